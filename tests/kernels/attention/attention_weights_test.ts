/** The weights of attention are those by which its values are summed, whatever the mask. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import type { AttentionAttrs } from "../../../kernels/attention/mod.ts";
import { attentionOp, attentionWeights } from "../../../kernels/attention/mod.ts";
import { attentionSizes, partColumns } from "../../../kernels/attention/attention_sizes.ts";
import { basesOf } from "../../../kernels/attention/attention_attrs.ts";
import { rootKey, uniforms } from "../../../src/base/random.ts";
import { sizeOf } from "../../../src/base/shape.ts";
import type { Spec, View } from "../../../src/graph/types.ts";

/** A view of random values; of u32 inputs, of small numbers. */
function viewOf({ shape, dtype }: Spec, seed: number): View {
  const values = uniforms(rootKey(seed), sizeOf(shape), [-1, 1]);
  const data = dtype === "u32" ? Uint32Array.from(values, (x) => x > 0 ? 1 : 0) : values;
  return { shape, dtype, data };
}

Deno.test("weights of each query add up to 1, and sum the values to what the op gives", () => {
  let masked = 0;
  for (const { inputs, attrs } of attentionOp.cases) {
    const given = attrs as AttentionAttrs;
    if (given.dropout !== undefined || inputs.some(({ shape }) => sizeOf(shape) > 4096)) continue;
    const views = inputs.map((spec, i) => viewOf(spec, i));
    const outputs = attentionOp.shape(inputs, attrs).map((spec): View => ({
      ...spec,
      data: new Float64Array(sizeOf(spec.shape)),
    }));
    attentionOp.reference({ inputs: views, outputs }, attrs);
    const weights = attentionWeights(views, given);
    const sizes = attentionSizes(views.slice(0, basesOf(given).length), given);
    const { batch, heads, queries, keys, kvHeads, valueWidth } = sizes;
    assertEquals(weights.length, batch * heads * queries * keys);
    const { base, first, columns } = partColumns(sizes, "v");
    const values = (views[base] as View).data;
    for (let row = 0; row < batch * heads * queries; row++) {
      const own = weights.subarray(row * keys, (row + 1) * keys);
      const [b, h, i] = [
        Math.floor(row / (heads * queries)),
        Math.floor(row / queries) % heads,
        row % queries,
      ];
      const total = own.reduce((sum, x) => sum + x, 0);
      // A query without any key has none.
      assert(total === 0 || Math.abs(total - 1) < 1e-5, `${total}`);
      if (own.some((x) => x === 0)) masked++;
      const value = first + Math.floor(h * kvHeads / heads) * valueWidth;
      const sum = own.reduce(
        (sum, x, j) => sum + x * (values[(b * keys + j) * columns + value] as number),
        0,
      );
      const y = (outputs[0] as View).data[((b * queries + i) * heads + h) * valueWidth];
      assertAlmostEquals(sum, y as number, 1e-5);
    }
  }
  assert(masked > 100, `${masked} masked rows`);
});
