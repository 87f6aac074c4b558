/**
 * Attention matches PyTorch's scaled_dot_product_attention for each mask, head layout and bias, values
 * and gradients, with q, k and v in one tensor, in two and in three. The golden file says how it was
 * made.
 */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { alibiSlopes, attention, attentionOp, headsOf } from "../../../kernels/attention/mod.ts";
import type { AttentionMask, Heads } from "../../../kernels/attention/mod.ts";
import { openReference } from "../../../src/device/reference.ts";
import type { Device } from "../../../src/device/types.ts";
import { newTrace } from "../../../src/graph/trace.ts";
import type { Tensor } from "../../../src/graph/types.ts";
import { onGpu, sharedGpu } from "../../support/gpu.ts";
import { gradientsOf, runTrace, weightedSum } from "../../support/graph/run_trace.ts";
import type { Numbers, TorchGolden } from "../../support/graph/torch_golden.ts";
import { tolerance } from "../../../src/testing/tolerance.ts";

const gpu = sharedGpu();

type Part = "q" | "k" | "v";

interface AttentionGolden
  extends Pick<TorchGolden, "given" | "weighting" | "results" | "gradients"> {
  readonly sizes: Readonly<Record<"B" | "Tq" | "Tk" | "H" | "Hkv" | "d" | "Dv", number>>;
  readonly options: {
    readonly causal?: true;
    readonly window?: number;
    readonly divisor?: number;
    readonly alibi?: readonly number[];
    readonly lengths?: readonly number[];
    readonly starts?: readonly (readonly number[])[];
    readonly segments?: readonly (readonly number[])[];
    readonly key_segments?: readonly (readonly number[])[];
  };
}

const { cases } = JSON.parse(
  await Deno.readTextFile(new URL("../../golden/attention/torch_attention.json", import.meta.url)),
) as { cases: Readonly<Record<string, AttentionGolden>> };

/** Parts in the columns of one tensor: their rows side by side. */
function packed(parts: readonly Numbers[]): number[] {
  const widths = parts.map(({ shape }) => shape[2] as number);
  const rows = (parts[0]?.shape[0] as number) * (parts[0]?.shape[1] as number);
  return Array.from({ length: rows }, (_, row) =>
    parts.flatMap(({ data }, k) => {
      const width = widths[k] as number;
      return data.slice(row * width, (row + 1) * width);
    })).flat();
}

/** y and the gradients of the base tensors, which hold the parts that `layout` names. */
async function check(
  device: Device,
  golden: AttentionGolden,
  { name, layout, bound }: {
    name: string;
    layout: readonly string[];
    bound: (terms: number, largest: number) => number;
  },
): Promise<void> {
  const { sizes: { H, Hkv, d, Dv }, options, given, weighting, results } = golden;
  const trace = newTrace();
  const values: Record<string, ArrayLike<number>> = {};
  const wanted: Record<string, Tensor> = {};
  const want: Record<string, readonly number[]> = { y: results.y?.data as readonly number[] };
  const views: Partial<Record<Part, Heads>> = {};
  for (const base of layout) {
    const parts = [...base] as Part[];
    const tensors = parts.map((part) => given[part] as Numbers);
    const columns = tensors.reduce((n, { shape }) => n + (shape[2] as number), 0);
    const shape = [...(tensors[0] as Numbers).shape.slice(0, 2), columns];
    const source = trace.source({ shape, dtype: "f32" }, "batch", base);
    values[base] = packed(tensors);
    wanted[`d ${base}`] = source;
    want[`d ${base}`] = packed(parts.map((part) => golden.gradients[part] as Numbers));
    let first = 0;
    for (const part of parts) {
      const view = { heads: part === "q" ? H : Hkv, first, width: part === "v" ? Dv : d };
      views[part] = headsOf(source, view);
      first += view.heads * view.width;
    }
  }
  const words = (name: "lengths" | "starts" | "segments" | "key_segments"): Tensor | undefined => {
    const rows = options[name];
    if (rows === undefined) return undefined;
    values[name] = Uint32Array.from((rows as readonly (number | number[])[]).flat());
    const inner = rows[0];
    const shape = typeof inner === "number"
      ? [rows.length]
      : [rows.length, (inner as number[]).length];
    return trace.source({ shape, dtype: "u32" }, "batch", name);
  };
  const [segments, keySegments] = [words("segments"), words("key_segments")];
  const mask: AttentionMask = {
    causal: options.causal,
    window: options.window,
    lengths: words("lengths"),
    starts: words("starts"),
    segments: segments && keySegments ? [segments, keySegments] : segments,
  };
  const { divisor, alibi } = options;
  const { q, k, v } = views as Record<Part, Heads>;
  const y = attention({ q, k, v }, { mask, divisor, alibi: alibi && alibiSlopes(H) });
  const call = trace.calls.find(({ op }) => op === attentionOp);
  assert(call !== undefined);
  const { terms } = attentionOp.cost(call, call.attrs);
  const loss = weightedSum([[y, weighting.y?.data as readonly number[]]]);
  const got = await runTrace(device, { y, ...gradientsOf(loss, wanted) }, values);
  assertEquals(Object.keys(got).sort(), Object.keys(want).sort());
  for (const [what, data] of Object.entries(want)) {
    const largest = data.reduce((m, value) => Math.max(m, Math.abs(value)), 0);
    assert(largest > 0);
    const most = bound(what === "y" ? terms : 2 * terms, largest);
    data.forEach((value, i) => {
      const found = got[what]?.[i] as number;
      assert(
        Math.abs(found - value) <= most,
        `${name} in ${layout}: ${what} at ${i}: ${found} instead of ${value}`,
      );
    });
  }
}

/** Layouts of the base tensors that a case allows. */
function layoutsOf({ sizes: { Tq, Tk } }: AttentionGolden): string[][] {
  const apart = [["q", "k", "v"], ["q", "kv"]];
  return Tq === Tk ? [["qkv"], ...apart] : apart;
}

/** Layouts in other orders. */
function moreLayoutsOf({ sizes: { Tq, Tk } }: AttentionGolden): string[][] {
  return Tq === Tk ? [["vqk"], ["qk", "v"], ["q", "vk"]] : [["q", "vk"]];
}

for (const [name, golden] of Object.entries(cases)) {
  Deno.test(`attention matches PyTorch in f64: ${name}`, async () => {
    for (const layout of [...layoutsOf(golden), ...moreLayoutsOf(golden)]) {
      const bound = (_: number, largest: number) => 1e-10 * largest;
      await check(openReference({ precision: "f64" }), golden, { name, layout, bound });
    }
  });

  Deno.test(onGpu(`attention matches PyTorch on the GPU: ${name}`), async () => {
    for (const layout of layoutsOf(golden)) {
      await check(await gpu(), golden, { name, layout, bound: tolerance });
    }
  });
}

Deno.test("alibiSlopes() are those of the authors of ALiBi", () => {
  const known = Object.values(cases).flatMap(({ options: { alibi } }) => alibi ? [alibi] : []);
  assertEquals(known.map(({ length }) => length), [4, 3, 4]);
  for (const slopes of known) {
    alibiSlopes(slopes.length).forEach((slope, h) =>
      assertAlmostEquals(slope, slopes[h] as number, 1e-12)
    );
  }
});
