/** Cases of matmul: tile edges, ragged sizes, epilogues, accumulation, and benched sizes. */
import type { Expr } from "../../src/graph/formula.ts";
import { add, formula, mul, tanh } from "../../src/graph/formula.ts";
import type { Case, Spec } from "../../src/graph/types.ts";

/** The cases of the op. */
export function matmulCases(): Case[] {
  const f32 = (...shape: number[]): Spec => ({ shape, dtype: "f32" });
  const plain = (m: number, n: number, k: number, kind: Case["kind"]): Case[] =>
    [[false, false], [true, false], [false, true], [true, true]].map(([ta, tb]) => ({
      kind,
      inputs: [ta ? f32(k, m) : f32(m, k), tb ? f32(n, k) : f32(k, n)],
      attrs: { ta, tb },
    }));
  const epilogue = formula(3, (sum, bias, res) => {
    const z = add(sum as Expr, bias as Expr);
    return [z, add(res as Expr, mul(z, tanh(z)))];
  });
  return [
    ...[1, 15, 16, 17].flatMap((size) => plain(size, size, size, "tile")),
    ...[127, 128, 129].flatMap((size) => plain(size, size, 20, "tile")),
    ...plain(37, 83, 22, "ragged"),
    ...plain(36, 84, 21, "ragged"),
    { kind: "ragged", inputs: [f32(2, 9, 12), f32(12, 20)], attrs: {} },
    { kind: "ragged", inputs: [f32(9, 12), f32(12, 20), f32(20), f32(9, 20)], attrs: { epilogue } },
    { kind: "ragged", inputs: [f32(9, 12), f32(12, 5), f32(5), f32(9, 5)], attrs: { epilogue } },
    { kind: "ragged", inputs: [f32(9, 12), f32(12, 20), f32(9, 1), f32(20)], attrs: { epilogue } },
    { kind: "ragged", inputs: [f32(9, 12), f32(12, 5), f32(9, 1), f32(9, 5)], attrs: { epilogue } },
    ...[[9, 20, 12], [17, 33, 5], [129, 128, 20]].flatMap(([m = 1, n = 1, k = 1]) =>
      plain(m, n, k, "ragged").map((test) => ({
        ...test,
        inputs: [...test.inputs, f32(m, n)],
        attrs: { ...test.attrs, onto: true },
      }))
    ),
    ...plain(512, 512, 512, "bench"),
    { kind: "bench", inputs: [f32(512, 64), f32(64, 256)], attrs: {} },
    { kind: "bench", inputs: [f32(512, 64), f32(512, 256)], attrs: { ta: true } },
  ];
}
