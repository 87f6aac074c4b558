/**
 * Cross entropy of logits with class ids, in nats: logits [..., V], targets u32 [...] -> loss [R]
 * and lse [R], the row's log-sum-exp, which the backward op reads. A row whose target is `IGNORE`
 * has loss 0 and gradient 0.
 */
import { sameShape, showShape, sizeOf } from "../../src/base/shape.ts";
import { apply } from "../../src/graph/trace.ts";
import type { Case, Grad, Io, Op, Spec, Tensor } from "../../src/graph/types.ts";
import { crossEntropyBackwardOp } from "./cross_entropy_backward.ts";
import wgsl from "./cross_entropy.wgsl" with { type: "text" };
import { crossEntropyKernel } from "./cross_entropy_wasm.ts";
import { IGNORE } from "../../src/base/ignore.ts";
import { rowKernel } from "../emit/rows.ts";
import { rowSizes } from "../reduce/row_sizes.ts";

/**
 * Loss in nats f32 [R] of each row of `logits` f32 [..., V], with `targets` u32 [...].
 * @throws {RangeError} when leading axes differ or targets are not u32.
 */
export function crossEntropy(logits: Tensor, targets: Tensor): Tensor {
  return apply(crossEntropyOp, [logits, targets]);
}

function vjp(
  { inputs: [logits, targets], outputs: [, lse] }: Io<Tensor>,
  [dloss, dlse]: readonly Grad[],
): readonly Grad[] {
  if (dlse) throw new RangeError("Cannot differentiate cross_entropy's log of sums");
  if (!logits || !targets || !lse || !dloss) return [];
  return [apply(crossEntropyBackwardOp, [logits, targets, lse, dloss])];
}

/** The op behind {@linkcode crossEntropy}. */
export const crossEntropyOp: Op = {
  name: "cross_entropy",
  shape([logits, targets]) {
    if (!logits || !targets) throw new RangeError("Cannot cross_entropy: it takes two inputs");
    if (!sameShape(logits.shape.slice(0, -1), targets.shape)) {
      throw new RangeError(
        `Cannot cross_entropy ${showShape(logits.shape)} with targets ` +
          `${showShape(targets.shape)}: leading axes differ`,
      );
    }
    if (targets.dtype !== "u32") {
      throw new RangeError("Cannot cross_entropy: targets must be u32");
    }
    const rows: Spec = { shape: [sizeOf(targets.shape)], dtype: "f32" };
    return [rows, rows];
  },
  launch({ inputs: [logits, targets] }, _, target) {
    if (!logits || !targets) return [];
    const columns = logits.shape.at(-1) as number;
    const { prelude, groups } = rowKernel(sizeOf(targets.shape), columns, target);
    return [{
      wgsl: prelude + wgsl,
      constants: { ignore: IGNORE },
      bindings: [{ input: 0 }, { input: 1 }, { output: 0 }, { output: 1 }],
      groups,
    }];
  },
  wasm: ({ inputs: [logits] }) => crossEntropyKernel(rowSizes(logits as Spec)),
  reference({ inputs: [logits, targets], outputs: [losses, lses] }) {
    if (!logits || !targets || !losses || !lses) return;
    const columns = logits.shape.at(-1) as number;
    targets.data.forEach((label: number, row: number) => {
      const z = logits.data.subarray(row * columns, (row + 1) * columns);
      let top = -Infinity;
      for (const v of z) top = Math.max(top, v);
      let total = 0;
      for (const v of z) total += Math.exp(v - top);
      const lse = top + Math.log(total);
      losses.data[row] = label === IGNORE ? 0 : lse - (z[label] as number);
      lses.data[row] = lse;
    });
  },
  cost({ inputs: [logits, targets] }) {
    const [n, rows] = [sizeOf(logits?.shape ?? []), sizeOf(targets?.shape ?? [])];
    return { flops: 10 * n, bytes: 4 * (n + 3 * rows), terms: n / rows + 16 };
  },
  vjp,
  cases: [
    ...[1, 3, 4, 5, 63, 64, 65].map((columns) => entropyCase("tile", 9, columns)),
    ...[1, 7, 8, 64].map((rows) => entropyCase("tile", rows, 83)),
    entropyCase("ragged", 3, 5, 1031),
    entropyCase("ragged", 3, 2, 1032),
    entropyCase("ragged", 3, 50257),
    entropyCase("ragged", 2, 65536),
    entropyCase("ragged", 3, 65532),
    entropyCase("bench", 2048, 128),
    // Longest row that the naive twin can process on llvmpipe (emit/rows.ts).
    entropyCase("bench", 256, 32003),
  ],
};

/** Logits over a wide range; every third row is ignored. */
function entropyCase(kind: Case["kind"], ...shape: number[]): Case {
  return {
    kind,
    inputs: [{ shape, dtype: "f32" }, { shape: shape.slice(0, -1), dtype: "u32" }],
    attrs: {},
    below: { 1: shape.at(-1) as number },
    range: { 0: [-30, 30] },
    fill: ([, targets]) => {
      targets?.data.forEach((_: number, row: number) => {
        if (row % 3 === 2) targets.data[row] = IGNORE;
      });
    },
  };
}
