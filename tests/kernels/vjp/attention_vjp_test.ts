/** The gradient of attention against finite differences. */
import { assertThrows } from "@std/assert";
import { attentionOp } from "../../../kernels/attention/mod.ts";
import { applyAll, newTrace } from "../../../src/graph/trace.ts";
import type { Case, Spec, Tensor } from "../../../src/graph/types.ts";
import { caseName } from "../../../src/testing/cases.ts";
import { checkVjp } from "../../support/graph/differences.ts";

const KEY: Spec = { shape: [2], dtype: "u32" };

function caseOf([b, t, h, d]: readonly [number, number, number, number], keep?: number): Case {
  const qkv: Spec = { shape: [b, t, 3 * h * d], dtype: "f32" };
  const dropout = { site: 3, keep };
  if (keep === undefined) return { kind: "tile", inputs: [qkv], attrs: { heads: h, causal: true } };
  return { kind: "tile", inputs: [qkv, KEY], attrs: { heads: h, causal: true, dropout } };
}

Deno.test("the vjp of attention matches differences, for one head and for several", async () => {
  await checkVjp(attentionOp, caseOf([1, 5, 1, 4]));
  await checkVjp(attentionOp, caseOf([2, 9, 3, 8]));
  await checkVjp(attentionOp, caseOf([1, 17, 2, 3]));
});

Deno.test("the vjp of attention with dropout matches differences", async () => {
  await checkVjp(attentionOp, caseOf([2, 9, 2, 4], 0.6));
});

Deno.test("the vjp of attention with document masking matches differences", async () => {
  for (const keep of [undefined, 0.6]) {
    const test = caseOf([2, 9, 2, 4], keep);
    await checkVjp(attentionOp, {
      ...test,
      inputs: [...test.inputs, { shape: [2, 9], dtype: "u32" }],
      attrs: { ...test.attrs, starts: true },
      // Two documents in the first row, three in the second.
      fill: (views) =>
        views.at(-1)?.data.set(
          [0, 0, 0, 0, 4, 4, 4, 4, 4, ...[0, 0, 2, 3, 3, 3, 3, 3, 3]],
        ),
    });
  }
});

Deno.test("the vjp of attention matches differences for any divisor of scores", async () => {
  const test = caseOf([2, 9, 2, 4], 0.6);
  await checkVjp(attentionOp, { ...test, attrs: { ...test.attrs, divisor: 0.9 } });
});

for (const test of attentionOp.cases) {
  const { kind, attrs } = test;
  if (kind !== "ragged" && attrs.window !== 3 && attrs.window !== 11) continue;
  Deno.test(`the vjp matches differences: ${caseName(attentionOp, test)}`, async () => {
    await checkVjp(attentionOp, test);
  });
}

Deno.test("attention rejects a gradient of its lse", () => {
  const qkv = newTrace().source({ shape: [1, 4, 12], dtype: "f32" }, "batch", "qkv");
  const outputs = applyAll(attentionOp, [qkv], { heads: 1 });
  const dout = [undefined, outputs[1] as Tensor];
  assertThrows(
    () => attentionOp.vjp?.({ inputs: [qkv], outputs }, dout, { heads: 1 }),
    RangeError,
    "only y has a gradient",
  );
});
