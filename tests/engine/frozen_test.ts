/** Frozen parameters: no bit of them changes, and nothing is computed, kept or sent for them. */
import { assert, assertEquals, assertLess, assertNotEquals } from "@std/assert";
import { sizeOf } from "../../src/base/shape.ts";
import type { RunConfig, RunInput } from "../../src/config/schema.ts";
import { openReference } from "../../src/device/reference.ts";
import { gradientPlan, shapeOf } from "../../src/engine/plans.ts";
import { Replica } from "../../src/engine/replica.ts";
import { paramsOf, vectorBuckets } from "../../src/plan/layout.ts";
import { bits } from "../reduce/mesh.ts";
import { tinyConfig } from "../support/gpt.ts";
import { Faults } from "../../workers/faults/plan.ts";
import { faultPlanSchema } from "../../workers/faults/schema.ts";
import { letters, lockstep, type RunRecord } from "../support/lockstep.ts";

const onReference = () => Promise.resolve(openReference());

type Optim = NonNullable<RunInput["optim"]>;

/** All but the head and the second block. */
const FROZEN: Optim["groups"] = [
  { match: "blocks.1.*", lr_scale: 0.5 },
  { match: "head.*" },
  { match: "*", frozen: true },
];
const isTrained = (name: string) => /^(blocks\.1|head)\./.test(name);

const KINDS: readonly Optim[] = [
  { kind: "adamw" },
  { kind: "sgd", nesterov: true },
  { kind: "sgd", momentum: 0 },
  { kind: "lion" },
  { kind: "muon" },
];

function configOf(optim: Optim): RunConfig {
  return tinyConfig({
    steps: 3,
    model: { layers: 2, dropout: 0.1 },
    optim,
    checkpoint: { every: 2 },
  });
}

async function opened(config: RunConfig): Promise<Replica> {
  const replica = new Replica(openReference(), { config, corpus: letters(config) });
  await replica.open();
  return replica;
}

/** The bits of each parameter. */
async function parametersOf(replica: Replica): Promise<Map<string, string>> {
  const { layout } = replica;
  const buckets = vectorBuckets(layout, "param");
  const flat = await replica.readVector("param");
  return new Map(
    paramsOf(layout).map(({ name, bucket, offset, shape }) => {
      const start = buckets.filter((b) => b.bucket < bucket).reduce((n, b) => n + b.length, offset);
      return [name, bits(flat.slice(start, start + sizeOf(shape))).join()];
    }),
  );
}

Deno.test("frozen parameters keep every bit, and all others change, under each optimizer", async () => {
  for (const optim of KINDS) {
    const config = configOf({ ...optim, groups: FROZEN });
    const replica = await opened(config);
    const before = await parametersOf(replica);
    for (let step = 0; step < 3; step++) {
      replica.accumulate(step, { level: 2, index: 0 });
      replica.update(step);
    }
    for (const [name, after] of await parametersOf(replica)) {
      if (isTrained(name)) assertNotEquals(after, before.get(name), name);
      else assertEquals(after, before.get(name), name);
    }
  }
});

Deno.test("the gradient of what is trained is that of the whole model, bit for bit", async () => {
  const gradients = await Promise.all([[], FROZEN].map(async (groups) => {
    const replica = await opened(configOf({ kind: "adamw", groups }));
    replica.accumulate(0, { level: 2, index: 0 });
    const flat = await replica.gradient();
    // What an all-reduce sends parts of.
    assertEquals(flat.length, replica.gradientSize);
    return new Map(
      paramsOf(replica.layout, "grad").map(({ name, offset, shape }) => {
        return [name, bits(flat.slice(offset, offset + sizeOf(shape))).join()];
      }),
    );
  }));
  const [whole, part] = gradients as [Map<string, string>, Map<string, string>];
  assert(part.size > 0 && part.size < whole.size);
  for (const [name, gradient] of part) {
    assert(isTrained(name));
    assertEquals(gradient, whole.get(name), name);
  }
});

Deno.test("the backward pass ends where nothing below is trained, and vectors are shorter", () => {
  const [whole, part] = [[], FROZEN].map((groups) => {
    const config = configOf({ kind: "adamw", groups });
    const { layout } = shapeOf(config, 13);
    return { layout, plan: gradientPlan(config, 13, layout) };
  });
  assert(whole && part);
  const count = ({ plan }: typeof whole, name: string) =>
    plan.calls.filter(({ op }) => op.name === name).length;
  assertEquals([count(whole, "attention_backward"), count(part, "attention_backward")], [2, 1]);
  assertEquals([count(whole, "embedding_backward"), count(part, "embedding_backward")], [1, 0]);
  assertLess(part.plan.calls.length, whole.plan.calls.length);
  const trained = paramsOf(part.layout).filter(({ name }) => isTrained(name));
  const elements = (params: typeof trained) =>
    params.reduce((n, { shape }) => n + sizeOf(shape), 0);
  const sent = vectorBuckets(part.layout, "grad").reduce((n, { length }) => n + length, 0);
  // Each parameter, and the loss, ends at a multiple of 64 elements.
  assertLess(sent, elements(trained) + 64 * (trained.length + 1));
  assertLess(sent, elements([...paramsOf(whole.layout)]));
});

function numbers({ outcome: { stateHash, loss, valLoss }, events }: RunRecord) {
  const losses = events.flatMap((event) => event.type === "step" ? [event.loss] : []);
  return { stateHash, loss, valLoss, losses };
}

for (const optim of KINDS) {
  const name = `${optim.kind}${"momentum" in optim ? " without momentum" : ""}`;
  Deno.test(`${name}: workers and resumes give the same bits, frozen parameters included`, async () => {
    const config = configOf({ ...optim, groups: FROZEN });
    const one = await lockstep(config, { world: 1, openDevice: onReference });
    const two = await lockstep(config, { world: 2, openDevice: onReference });
    assertEquals(numbers(two), numbers(one));
    const [from] = two.saved;
    assert(from !== undefined && from.manifest.step === 2);
    const { layout } = shapeOf(config, letters(config).vocabulary);
    assertEquals(Array.from(from.model.keys()).sort(), paramsOf(layout).map((p) => p.name).sort());
    for (const moment of from.optimizer.keys()) assert(isTrained(moment.replace(/^[mv]\./, "")));
    const resumed = await lockstep(config, { world: 2, openDevice: onReference, from });
    assertEquals(resumed.outcome.stateHash, one.outcome.stateHash);
  });
}

/** Ends worker 1 in step 1. */
const KILL = { at: { rank: 1, step: 1, point: "summed" }, do: "sigkill" };

Deno.test("a worker that joins later gets frozen parameters that no seed gives", async () => {
  // Enough steps for the replacement to join before the end.
  const config = { ...configOf({ kind: "muon", groups: FROZEN }), steps: 20 };
  const other = await lockstep({ ...config, seed: 5 }, { world: 1, openDevice: onReference });
  const initial = other.saved.at(-1)?.model;
  assert(initial !== undefined);
  const straight = await lockstep(config, { world: 1, openDevice: onReference, initial });
  const joined = await lockstep(config, {
    world: 2,
    openDevice: onReference,
    initial,
    faults: new Faults(faultPlanSchema.parse([KILL])),
    rules: { floor: 500, unmeasured: 5000, silence: 300, tick: 20 },
  });
  assertEquals(joined.outcome.stateHash, straight.outcome.stateHash);
  const last = joined.saved.at(-1)?.model;
  for (const [name, { data }] of initial) {
    const after = last?.get(name)?.data;
    assert(after !== undefined);
    if (isTrained(name)) assertNotEquals(bits(after).join(), bits(data).join(), name);
    else assertEquals(bits(after).join(), bits(data).join(), name);
  }
  // The first quorum, the one without worker 1, the one with its replacement.
  assertEquals(joined.notes.filter(({ kind }) => kind === "settled").length, 3);
});
