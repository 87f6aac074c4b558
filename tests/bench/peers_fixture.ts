/** A comparison with peers that was measured once, as values. */
import type { RowResult } from "../../bench/beside/result.ts";

/** The sides, in the order of the columns below. */
export const MEASURED_SIDES = [
  { id: "Shoal", family: "ours" },
  { id: "jax-js", family: "webgpu" },
  { id: "tfjs", family: "webgpu" },
  { id: "PyTorch f32", family: "torch" },
] as const;

/** Milliseconds of bench/results/peers_lavapipe_xeon2_202611.md as it was at commit 26dd966. */
const MILLISECONDS: readonly (readonly [string, ...number[]])[] = [
  ["matmul 512", 7.12, 45.6, 44.4, 0.863],
  ["matmul 1024", 54.6, 409, 358, 6.74],
  ["attention 16x128x128, 4 heads", 20.9, 149, 236, 3.71],
  ["layer norm 2048x128", 2.01, 16.5, 35.9, 0.285],
  ["GPT 0.11M", 45.3, 287, 530, 8.15],
  ["LSTM 2x128", 98.8, 1408, 966, 12.8],
  ["GPT 0.83M", 411, 2673, 4348, 79.7],
];

export const MEASURED: readonly RowResult[] = MILLISECONDS.map(([row, ...times]) => ({
  row,
  outcomes: MEASURED_SIDES.map(({ id }, i) => ({
    id,
    seconds: (times[i] as number) / 1000,
    values: [],
  })),
}));

/** What was measured, where and how. */
export const MEASURED_FACTS: readonly string[] = [
  "llvmpipe (LLVM 15.0.6, 256 bits), Mesa 22.3.6-1+deb12u2; Intel(R) Xeon(R) Processor, 2 cores",
  "Shoal: Deno 2.9.6; jax-js: 0.1.25; tfjs: 4.22.0; PyTorch f32: 2.15.0+cu132 on CPU, 2 threads",
  "2026-11-21, commit 26dd966: deno task bench:peers --quick --save",
];
