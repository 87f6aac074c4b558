/**
 * Prints the kernels of attention's backward pass: in one an invocation owns queries and computes dq
 * and delta, in the other it owns keys and computes dk and dv. Both recompute the scores. No sum
 * spans invocations, so there are no atomics and the order of additions is fixed.
 */
import type { Target } from "../../../src/graph/types.ts";
import { literal } from "../../../src/graph/formula_wgsl.ts";
import { linearGroups, linearHead } from "../../../src/graph/wgsl.ts";
import { range } from "../../emit/range.ts";
import type { AttentionSizes } from "../attention_sizes.ts";
import type { AttentionKernel } from "../attention_tile.ts";
import type { AttentionBinding } from "./head.ts";
import {
  baseBindings,
  declareAll,
  drawMasks,
  eachQueryHead,
  head,
  masked,
  resultBinding,
  score,
} from "./head.ts";
import { loadOwnedMasks, skipStarted, streamedMasks, streamedRange } from "./mask.ts";
import type { Streamed } from "./rows.ts";
import {
  addStreamed,
  currentQuad,
  declareLaneRegisters,
  eachQuad,
  eachRow,
  eachStreamed,
  loadRows,
  registers,
  rowProducts,
  setRow,
  storeRows,
} from "./rows.ts";
import { gradientRowsOf, resultRows, rowsOf } from "./views.ts";

const LOG2E = literal(Math.LOG2E);

/** Statements for row r's probability `p` with the streamed token, and its score's gradient `d`. */
function scoreGradient(
  kernel: AttentionKernel,
  r: number,
  { lse, delta }: { lse: string; delta: string },
): string[] {
  const { attrs: { dropout } } = kernel;
  const scale = dropout === undefined ? "" : ` * ${literal(1 / dropout.keep)}`;
  return [
    `let p${r} = exp2(${score(kernel, `x${r}`, { r, less: lse })});`,
    `let d${r} = p${r} * (${masked(kernel, `z${r}${scale}`, r)} - ${delta});`,
  ];
}

/** The bindings of lse and, in one, of delta; in pairs, of both. */
function rowNumbers(
  { paired }: AttentionKernel,
): { lse: AttentionBinding[]; delta: AttentionBinding[] } {
  if (paired) return { lse: [], delta: [{ name: "pairs", type: "vec2<f32>" }] };
  return {
    lse: [{ name: "lse", type: "f32" }],
    delta: [{ name: "delta", type: "f32", write: true }],
  };
}

/** The bindings of the gradients of bases that hold one of `parts`. */
function gradientBindings(kernel: AttentionKernel, parts: readonly string[]): AttentionBinding[] {
  const all = baseBindings(kernel, "d");
  return basesWith(kernel, parts).map((base) => ({
    ...all[base] as AttentionBinding,
    write: true,
  }));
}

/** Indices of the base tensors that hold one of `parts`. */
export function basesWith({ bases }: AttentionSizes, parts: readonly string[]): number[] {
  return bases.flatMap((held, base) => parts.some((part) => held.includes(part)) ? [base] : []);
}

/**
 * The kernel of dq and delta: binds the base tensors, y, lse, dy, the gradient that holds dq, delta,
 * and the optional inputs. With `paired`: the base tensors, dy, the gradient, pairs, the optional
 * inputs.
 */
export function printQueries(kernel: AttentionKernel): string {
  const { queries, rows, divisor, paired } = kernel;
  const R = range(rows);
  const [query, key, value] = [rowsOf(kernel, "q"), rowsOf(kernel, "k"), rowsOf(kernel, "v")];
  const [dy, dq] = [resultRows(kernel, "g", "dy"), gradientRowsOf(kernel, "q")];
  const streamed: Streamed = { rows: [key, value], numbers: streamedMasks(kernel) };
  const along = `dot(${currentQuad(dy)}, ${currentQuad(resultRows(kernel, "y", "y"))})`;
  const set = (log: string) => [
    `let log = ${log} * ${LOG2E};`,
    ...setRow(kernel, "lse", "log"),
    ...setRow(kernel, "delta", "along"),
  ];
  const numbers = paired
    ? ["let pair = pairs[numbers + t];", "let along = pair.y;", ...set("pair.x")]
    : [
      "var along = 0.0f;",
      ...eachQuad(dy, [`along += ${along};`]),
      ...set("lse[numbers + t]"),
      `if (first + r < ${queries}u) { delta[numbers + t] = along; }`,
    ];
  const lines = [
    ...head(kernel, { heavyLast: true }),
    ...R.map((r) => `var lse${r} = 0.0f; var delta${r} = 0.0f;`),
    ...eachRow(kernel, numbers),
    ...loadOwnedMasks(kernel),
    ...loadRows(kernel, query, dy),
    ...registers(kernel, dq),
    ...declareLaneRegisters(kernel, streamed),
    ...eachStreamed(kernel, { ...streamedRange(kernel), streamed }, [
      ...rowProducts(kernel, { sum: "x", own: query, streamed: key }),
      ...rowProducts(kernel, { sum: "z", own: dy, streamed: value }),
      ...drawMasks(kernel),
      ...R.flatMap((r) => scoreGradient(kernel, r, { lse: `lse${r}`, delta: `delta${r}` })),
      ...addStreamed(kernel, { to: dq, streamed: key }, { weight: (r) => `d${r}` }),
    ]),
    ...storeRows(kernel, dq, (x) => `${x} * ${literal(1 / divisor)}`),
    "}",
  ];
  const { lse, delta } = rowNumbers(kernel);
  const bindings = declareAll(kernel, [
    ...baseBindings(kernel),
    ...paired ? [] : [resultBinding(kernel, "y")],
    ...lse,
    resultBinding(kernel, "dy"),
    ...gradientBindings(kernel, ["q"]),
    ...delta,
  ]);
  return bindings + lines.join("\n") + "\n";
}

/**
 * The kernel of dk and dv: binds the base tensors, lse, dy, the gradients that hold dk and dv, delta,
 * and the optional inputs. With `paired`: without lse, and pairs instead of delta.
 */
export function printKeys(kernel: AttentionKernel): string {
  const { rows, divisor, paired, attrs: { dropout } } = kernel;
  const R = range(rows);
  const [query, key, value] = [rowsOf(kernel, "q"), rowsOf(kernel, "k"), rowsOf(kernel, "v")];
  const dy = resultRows(kernel, "g", "dy");
  const [dk, dv] = [gradientRowsOf(kernel, "k"), gradientRowsOf(kernel, "v")];
  const [log, along] = paired ? ["pairs[numbers + j].x", "pairs[numbers + j].y"] : [
    "lse[numbers + j]",
    "delta[numbers + j]",
  ];
  const streamed: Streamed = {
    rows: [query, dy],
    numbers: {
      log: { read: `${log} * ${LOG2E}`, zero: "0.0f" },
      along: { read: along, zero: "0.0f" },
      ...streamedMasks(kernel),
    },
  };
  const round = [
    ...skipStarted(kernel),
    ...rowProducts(kernel, { sum: "x", own: key, streamed: query }),
    ...rowProducts(kernel, { sum: "z", own: value, streamed: dy }),
    ...drawMasks(kernel),
    ...R.flatMap((r) => [
      ...scoreGradient(kernel, r, { lse: "log", delta: "along" }),
      `let u${r} = ${masked(kernel, `p${r}`, r)};`,
    ]),
    ...addStreamed(kernel, { to: dv, streamed: dy }, { weight: (r) => `u${r}` }),
    ...addStreamed(kernel, { to: dk, streamed: query }, { weight: (r) => `d${r}` }),
  ];
  const lines = [
    ...head(kernel, { heavyLast: false }),
    ...loadOwnedMasks(kernel),
    ...loadRows(kernel, key, value),
    ...registers(kernel, dk, dv),
    ...declareLaneRegisters(kernel, streamed),
    ...eachQueryHead(kernel, eachStreamed(kernel, { ...streamedRange(kernel), streamed }, round)),
    ...storeRows(kernel, dk, (x) => `${x} * ${literal(1 / divisor)}`),
    ...storeRows(kernel, dv, (x) => `${x} * ${literal(1 / (dropout?.keep ?? 1))}`),
    "}",
  ];
  const { lse, delta } = rowNumbers(kernel);
  const bindings = declareAll(kernel, [
    ...baseBindings(kernel),
    ...lse,
    resultBinding(kernel, "dy"),
    ...gradientBindings(kernel, ["k", "v"]),
    ...delta,
  ]);
  return bindings + lines.join("\n") + "\n";
}

/** The kernel of lse and delta in pairs [B, H, Tq, 2]: binds y, lse, dy, pairs. */
export function printPairs(
  { batch, heads, queries, valueWidth }: AttentionSizes,
  target: Target,
): { wgsl: string; groups: [number, number, number] } {
  const total = batch * heads * queries;
  const groups = linearGroups(total, target.groups);
  const wgsl = `@group(0) @binding(0) var<storage, read> y: array<f32>;
@group(0) @binding(1) var<storage, read> lse: array<f32>;
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read_write> pairs: array<vec2<f32>>;
${linearHead(total, groups)}
  let t = i % ${queries}u;
  let bh = i / ${queries}u;
  let row = (((bh / ${heads}u) * ${queries}u + t) * ${heads}u + bh % ${heads}u) * ${valueWidth}u;
  var along = 0.0f;
  for (var c = 0u; c < ${valueWidth}u; c++) { along += dy[row + c] * y[row + c]; }
  pairs[i] = vec2<f32>(lse[i], along);
}
`;
  return { wgsl, groups };
}
