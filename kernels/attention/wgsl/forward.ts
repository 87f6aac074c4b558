/** Prints attention's forward kernel. */
import { literal } from "../../../src/graph/formula_wgsl.ts";
import { range } from "../../emit/range.ts";
import type { AttentionKernel } from "../attention_tile.ts";
import { baseBindings, declareAll, drawMasks, head, masked, resultBinding, score } from "./head.ts";
import { firstMaximum, loadOwnedMasks, mayBeEmpty, streamedMasks, streamedRange } from "./mask.ts";
import {
  addStreamed,
  declareLaneRegisters,
  eachRow,
  eachStreamed,
  loadRows,
  loadStreamed,
  registers,
  rowProducts,
  selectRow,
  storeRows,
} from "./rows.ts";
import { resultRows, rowsOf } from "./views.ts";

/** The forward kernel: binds the base tensors, y, lse, and the optional inputs. */
export function printForward(kernel: AttentionKernel): string {
  const { queries, rows, attrs: { dropout } } = kernel;
  const R = range(rows);
  const [query, key, value] = [rowsOf(kernel, "q"), rowsOf(kernel, "k"), rowsOf(kernel, "v")];
  const result = resultRows(kernel, "y", "y");
  const streamed = { rows: [key, value], numbers: streamedMasks(kernel) };
  const round = [
    ...rowProducts(kernel, { sum: "x", own: query, streamed: key }),
    ...drawMasks(kernel),
    ...R.flatMap((r) => [
      `let s${r} = ${score(kernel, `x${r}`, { r })};`,
      `let n${r} = max(m${r}, s${r});`,
      `let a${r} = exp2(m${r} - n${r});`,
      `let p${r} = exp2(s${r} - n${r});`,
      `m${r} = n${r};`,
      `l${r} = l${r} * a${r} + p${r};`,
      `let u${r} = ${masked(kernel, `p${r}`, r)};`,
    ]),
    ...loadStreamed(kernel, value),
    ...addStreamed(kernel, { to: result, streamed: value }, {
      weight: (r) => `u${r}`,
      keep: (r) => `a${r}`,
    }),
  ];
  const [top, total] = ["m", "l"].map((x) => selectRow(kernel, (r) => `${x}${r}`)) as [
    string,
    string,
  ];
  const least = firstMaximum(kernel);
  // A query that attended to nothing keeps its first maximum, and its sum of weights is 0.
  const unlessEmpty = (x: string, zero: string, m: string) =>
    mayBeEmpty(kernel) ? `select(${x}, ${zero}, ${m} == ${least})` : x;
  const lines = [
    ...head(kernel, { heavyLast: true }),
    ...loadOwnedMasks(kernel),
    ...loadRows(kernel, query),
    ...registers(kernel, result),
    ...R.map((r) => `var m${r} = ${least}; var l${r} = 0.0f;`),
    ...declareLaneRegisters(kernel, streamed),
    ...eachStreamed(kernel, { ...streamedRange(kernel), streamed }, round),
    ...R.map((r) => `let g${r} = 1.0f / (l${r} * ${literal(dropout?.keep ?? 1)});`),
    ...eachRow(kernel, [
      `let log = ${unlessEmpty(`${top} + log2(${total})`, "0.0f", top)};`,
      `if (first + r < ${queries}u) { lse[numbers + t] = log * ${literal(Math.LN2)}; }`,
    ]),
    ...storeRows(kernel, result, (x, r) => unlessEmpty(`${x} * g${r}`, "vec4<f32>()", `m${r}`)),
    "}",
  ];
  const bindings = declareAll(kernel, [
    ...baseBindings(kernel),
    { ...resultBinding(kernel, "y"), write: true },
    { name: "lse", type: "f32", write: true },
  ]);
  return bindings + lines.join("\n") + "\n";
}
