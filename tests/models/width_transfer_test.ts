/**
 * Width transfer (muP): the coordinate check (Yang et al. 2022, appendix D.1), equality at the
 * base's width, and rejected settings. Models of all widths take the same few steps of Adam.
 */
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertGreater,
  assertLess,
  assertNotEquals,
  assertThrows,
} from "@std/assert";
import { UserError } from "../../src/base/user_error.ts";
import { sizeOf } from "../../src/base/shape.ts";
import type { RunConfig } from "../../src/config/schema.ts";
import { openReference } from "../../src/device/reference.ts";
import { newTrace } from "../../src/graph/trace.ts";
import type { Tensor } from "../../src/graph/types.ts";
import { modelOf } from "../../src/models/mod.ts";
import { widthFactors } from "../../src/models/gpt/width_transfer.ts";
import { newScope } from "../../src/nn/scope.ts";
import { corpusIn } from "../../src/corpus/corpus.ts";
import { gradientPlan, shapeOf } from "../../src/engine/plans.ts";
import { updatePlan } from "../../src/engine/vector_plans.ts";
import { Replica } from "../../src/engine/replica.ts";
import { randomTokens, tinyConfig, type TinyInput } from "../support/gpt.ts";
import { runTrace } from "../support/graph/run_trace.ts";

const VOCABULARY = 13;
const WIDTHS = [16, 32, 64, 128];
const STEPS = 4;

type Model = NonNullable<TinyInput["model"]>;

/** One micro-batch per step, and a learning rate that is large enough for few steps. */
function quickConfig(model: Model): RunConfig {
  const optim = {
    lr: 1e-2,
    schedule: "constant",
    warmup_steps: 0,
    weight_decay: 0,
    clip: 0,
  } as const;
  return tinyConfig({ micro_batches: 1, micro_batch_size: 2, model, optim });
}

async function openReplica(config: RunConfig): Promise<Replica> {
  const train = randomTokens(200, VOCABULARY);
  const corpus = corpusIn({ train, validation: train.slice(0, 60), vocabulary: VOCABULARY });
  const replica = new Replica(openReference(), { config, corpus });
  await replica.open();
  return replica;
}

async function takeSteps(replica: Replica): Promise<void> {
  for (let step = 0; step < STEPS; step++) {
    replica.accumulate(step, { level: 0, index: 0 });
    await replica.inspect();
    replica.update(step);
  }
}

/** The logits, the residual stream before the last norm, and what the last attention gives. */
function watched({ model, micro_batch_size: windows, data }: RunConfig): Record<string, Tensor> {
  const trace = newTrace();
  const { scope } = newScope(trace, { training: false });
  const tokens = trace.source({ shape: [windows, data.seq_len], dtype: "u32" }, "batch", "tokens");
  const sizes = { vocabulary: VOCABULARY, classes: VOCABULARY, last: false, carries: false };
  const logits = modelOf(model).logits?.(scope, { tokens, ...sizes }, model) as Tensor;
  const last = (name: string) => trace.calls.findLast(({ op }) => op.name === name);
  const stream = last("layer_norm")?.inputs[0] as Tensor;
  return { logits, stream, attended: last("attention")?.outputs[0] as Tensor };
}

/** Values of the observed activations, over one batch. */
async function look(replica: Replica, config: RunConfig): Promise<Record<string, Float64Array>> {
  const flat = await replica.readVector("param");
  const params = replica.layout.entries.map(({ name, offset, shape }) =>
    [name, flat.slice(offset, offset + sizeOf(shape))] as const
  );
  const tokens = randomTokens(config.micro_batch_size * config.data.seq_len, VOCABULARY);
  return await runTrace(openReference(), watched(config), {
    ...Object.fromEntries(params),
    tokens,
  });
}

/** Root mean square change of each observed activation in a few steps. */
async function changes(model: Model): Promise<Record<string, number>> {
  const config = quickConfig(model);
  const replica = await openReplica(config);
  const before = await look(replica, config);
  await takeSteps(replica);
  return Object.fromEntries(
    Object.entries(await look(replica, config)).map(([name, after]) => {
      const squares = after.reduce(
        (sum, v, i) => sum + (v - (before[name]?.[i] as number)) ** 2,
        0,
      );
      return [name, Math.sqrt(squares / after.length)];
    }),
  );
}

/** Slopes of log(change) against log(width), by least squares. */
async function slopes(modelOf: (width: number) => Model): Promise<Record<string, number>> {
  const found: Record<string, number>[] = [];
  for (const width of WIDTHS) found.push(await changes(modelOf(width)));
  const middle = (WIDTHS.length - 1) / 2;
  const spread = WIDTHS.reduce((sum, _, i) => sum + (i - middle) ** 2, 0);
  return Object.fromEntries(
    Object.keys(found[0] as object).map((name) => [
      name,
      // Widths double, so their logarithms to base 2 are one apart.
      found.reduce((sum, at, i) => sum + (i - middle) * Math.log2(at[name] as number), 0) / spread,
    ]),
  );
}

Deno.test("in standard parametrisation changes grow with the width", async () => {
  for (const [name, slope] of Object.entries(await slopes((width) => ({ width })))) {
    assertGreater(slope, 0.5, name);
  }
});

Deno.test("with width transfer changes do not depend on the width", async () => {
  for (
    const [name, slope] of Object.entries(
      await slopes((width) => ({
        width,
        mup_base_width: 16,
      })),
    )
  ) assertLess(Math.abs(slope), 0.25, name);
});

Deno.test("changes do not depend on the width with more heads, or with tied embeddings", async () => {
  for (
    const [name, slope] of Object.entries(
      await slopes((width) => ({
        width,
        heads: width / 8,
        tie_embeddings: true,
        mup_base_width: 16,
        mup_base_heads: 2,
      })),
    )
  ) assertLess(Math.abs(slope), 0.25, name);
});

Deno.test("at the base's width plans and results are bitwise those of the standard model", async () => {
  for (const tied of [false, true]) {
    const model = { layers: 2, tie_embeddings: tied, dropout: 0.1 };
    const standard = quickConfig(model);
    const base = quickConfig({ ...model, mup_base_width: 16, mup_base_heads: 2 });
    const hashes: string[] = [];
    for (const config of [standard, base]) {
      const replica = await openReplica(config);
      await takeSteps(replica);
      hashes.push(await replica.hash());
    }
    assertEquals(hashes[1], hashes[0]);
    const { layout } = shapeOf(standard, VOCABULARY);
    assertEquals(shapeOf(base, VOCABULARY).layout.ranges, layout.ranges);
    const plans = (config: RunConfig) =>
      JSON.stringify([gradientPlan(config, VOCABULARY, layout), updatePlan(config, layout)]);
    assertEquals(plans(base), plans(standard));
    assertNotEquals(plans(quickConfig({ ...model, mup_base_width: 8 })), plans(standard));
  }
});

Deno.test("only hidden matrices have a smaller init and a learning rate of their own", () => {
  const config = quickConfig({ layers: 2, width: 64, mup_base_width: 16 });
  const standard = shapeOf(quickConfig({ layers: 2, width: 64 }), VOCABULARY).params;
  shapeOf(config, VOCABULARY).params.forEach(({ name, init, lrScale }, i) => {
    const hidden = /\.(qkv|out|up|down)\.weight$/.test(name);
    assertEquals(lrScale, hidden ? 0.25 : 1, name);
    const other = standard[i]?.init;
    assertEquals(init.kind, other?.kind);
    if (init.kind !== "normal" || other?.kind !== "normal") return;
    assertAlmostEquals(init.std, other.std * (hidden ? 0.5 : 1), 1e-15, name);
  });
});

Deno.test("widthFactors() does not change the divisor if the heads' width is the base's", () => {
  const sizes = { width: 64, heads: 4, mup_base_width: 16, mup_base_heads: null };
  // d is 16 and that of the base 4: scores are divided by 16 / sqrt(4), not by sqrt(16).
  assertEquals(widthFactors(sizes), { std: 0.5, lrScale: 0.25, logits: 0.25, divisor: 8 });
  assertEquals(widthFactors({ ...sizes, mup_base_heads: 1 }).divisor, undefined);
  const none = { std: 1, lrScale: 1, logits: 1, divisor: undefined };
  assertEquals(widthFactors({ ...sizes, mup_base_width: null }), none);
  assertEquals(widthFactors({ ...sizes, mup_base_width: 64 }), none);
});

Deno.test("an invalid base is rejected with its sizes", () => {
  const says = (model: Model) => assertThrows(() => tinyConfig({ model }), UserError).message;
  assert(says({ mup_base_width: 15 }).includes("need a multiple of heads: width 15, heads 2"));
  const heads = says({ mup_base_width: 16, mup_base_heads: 3 });
  assert(heads.includes("need a multiple of mup_base_heads: width 16, heads 3"), heads);
  assert(says({ mup_base_heads: 2 }).includes("need null without mup_base_width: 2"));
});
