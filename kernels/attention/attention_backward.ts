/**
 * Gradient of causal attention: qkv, y, lse, dy (and the optional inputs) -> dqkv, and delta as
 * scratch. Probabilities are recomputed from qkv and lse; no T x T matrix is stored.
 */
import { sameShape, showShape } from "../../src/base/shape.ts";
import type { Io, Op, Spec, View } from "../../src/graph/types.ts";
import { printKeys, printQueries } from "./attention_backward_wgsl.ts";
import { attentionBackwardCases } from "./attention_cases.ts";
import { attendBackwardReference } from "./attention_reference.ts";
import type { AttentionAttrs } from "./attention_sizes.ts";
import { attentionCost, attentionSizes, attentionSpecs } from "./attention_sizes.ts";
import { attentionKernel } from "./attention_tile.ts";

/** The op: inputs qkv [B, T, 3D], y, lse, dy, key?, starts?; outputs dqkv and delta [B, H, T]. */
export const attentionBackwardOp: Op = {
  name: "attention_backward",
  shape([qkv, y, lse, dy, ...extra], attrs: AttentionAttrs) {
    const [result, rows] = attentionSpecs(attentionSizes(qkv, extra, attrs));
    const expected = { y: [y, result], lse: [lse, rows], dy: [dy, result] } as const;
    for (const [name, [got, want]] of Object.entries(expected)) {
      if (got !== undefined && sameShape(got.shape, want.shape)) continue;
      throw new RangeError(
        `Cannot differentiate attention: ${name} must be ${showShape(want.shape)}: ` +
          showShape(got?.shape ?? []),
      );
    }
    return [qkv as Spec, rows].map(({ shape, dtype }) => ({ shape, dtype }));
  },
  launch({ inputs }, attrs: AttentionAttrs, target) {
    const sizes = attentionSizes(inputs[0], inputs.slice(4), attrs);
    const kernel = attentionKernel(sizes, attrs, { target, sets: 4 });
    const last = inputs.slice(4).map((_, i) => ({ input: 4 + i }));
    const [qkv, y, lse, dy] = [{ input: 0 }, { input: 1 }, { input: 2 }, { input: 3 }];
    const outputs = [{ output: 0 }, { output: 1 }];
    return [
      {
        wgsl: printQueries(kernel),
        bindings: [qkv, y, lse, dy, ...outputs, ...last],
        groups: kernel.groups,
      },
      {
        wgsl: printKeys(kernel),
        bindings: [qkv, lse, dy, ...outputs, ...last],
        groups: kernel.groups,
      },
    ];
  },
  reference({ inputs, outputs }: Io<View>, attrs: AttentionAttrs) {
    const [qkv, y, lse, dy, ...extra] = inputs as [View, View, View, View, ...View[]];
    const [dqkv, delta] = outputs as [View, View];
    attendBackwardReference({ qkv, extra, y, lse, dy, dqkv, delta }, attrs);
  },
  cost(io, attrs: AttentionAttrs) {
    return attentionCost(attentionSizes(io.inputs[0], io.inputs.slice(4), attrs), io, {
      passes: 2.5,
    });
  },
  cases: attentionBackwardCases(),
};
