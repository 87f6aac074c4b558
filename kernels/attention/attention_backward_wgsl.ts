/**
 * Prints the two kernels of attention's backward pass: in one an invocation owns queries and
 * computes dq and delta, in the other it owns keys and computes dk and dv. Both recompute the
 * scores. No sum spans invocations, so there are no atomics and the order of additions is fixed.
 */
import { literal } from "../../src/graph/formula_wgsl.ts";
import type { AttentionRows, Streamed } from "./attention_rows_wgsl.ts";
import {
  addStreamed,
  currentQuad,
  declareLaneRegisters,
  eachQuad,
  eachRow,
  eachStreamed,
  loadRows,
  ownedOf,
  registers,
  rowProducts,
  setRow,
  storeRows,
} from "./attention_rows_wgsl.ts";
import type { AttentionKernel } from "./attention_sizes.ts";
import type { AttentionBinding } from "./attention_wgsl.ts";
import {
  declareAll,
  drawMasks,
  head,
  KEY,
  keyRange,
  loadStarts,
  masked,
  mayAttend,
  QUERY,
  score,
  VALUE,
} from "./attention_wgsl.ts";
import { range } from "../emit/range.ts";

const RESULT: AttentionRows = { name: "y", buffer: "y" };
const DY: AttentionRows = { name: "g", buffer: "dy" };
const DQ: AttentionRows = { name: "dq", buffer: "dqkv", part: 0 };
const DK: AttentionRows = { name: "dk", buffer: "dqkv", part: 1 };
const DV: AttentionRows = { name: "dv", buffer: "dqkv", part: 2 };

const LOG2E = literal(Math.LOG2E);
const OUTPUTS: readonly AttentionBinding[] = [
  { name: "dqkv", kind: "rows", write: true },
  { name: "delta", kind: "numbers", write: true },
];

/** Statements for row r's probability `p` with the streamed token, and its score's gradient `d`. */
function scoreGradient(
  kernel: AttentionKernel,
  r: number,
  { lse, delta, allowed }: {
    lse: string;
    delta: string;
    allowed: string;
  },
): string[] {
  const { dropout } = kernel;
  const scale = dropout === undefined ? "" : ` * ${literal(1 / dropout.keep)}`;
  return [
    `let p${r} = exp2(${score(kernel, `x${r}`, { less: lse, allowed })});`,
    `let d${r} = p${r} * (${masked(kernel, `z${r}${scale}`, r)} - ${delta});`,
  ];
}

/**
 * The kernel of dq and delta: binds qkv, y, lse, dy, dqkv, delta, and optionally key and starts.
 */
export function printQueries(kernel: AttentionKernel): string {
  const { time, rows, divisor } = kernel;
  const R = range(rows);
  const streamed: Streamed = { rows: [KEY, VALUE] };
  const along = `dot(${currentQuad(kernel, DY)}, ${currentQuad(kernel, RESULT)})`;
  const lines = [
    ...head(kernel, { heavyLast: true }),
    ...R.map((r) => `var lse${r} = 0.0f; var delta${r} = 0.0f;`),
    ...eachRow(kernel, [
      "var along = 0.0f;",
      ...eachQuad(kernel, [`along += ${along};`]),
      `let log = lse[numbers + t] * ${LOG2E};`,
      ...setRow(kernel, "lse", "log"),
      ...setRow(kernel, "delta", "along"),
      `if (first + r < ${time}u) { delta[numbers + t] = along; }`,
    ]),
    ...loadStarts(kernel),
    ...loadRows(kernel, QUERY, DY),
    ...registers(kernel, DQ.name),
    ...declareLaneRegisters(kernel, streamed),
    ...eachStreamed(kernel, { ...keyRange(kernel), streamed }, [
      ...rowProducts(kernel, { sum: "x", own: QUERY, streamed: KEY }),
      ...rowProducts(kernel, { sum: "z", own: DY, streamed: VALUE }),
      ...drawMasks(kernel, { query: "first + r", key: "j" }),
      ...R.flatMap((r) =>
        scoreGradient(kernel, r, {
          lse: `lse${r}`,
          delta: `delta${r}`,
          allowed: mayAttend(kernel, r),
        })
      ),
      ...addStreamed(kernel, { to: DQ, streamed: KEY }, { weight: (r) => `d${r}` }),
    ]),
    ...storeRows(kernel, DQ, () => literal(1 / divisor)),
    "}",
  ];
  const bindings = declareAll(kernel, [
    { name: "qkv", kind: "rows" },
    { name: "y", kind: "rows" },
    { name: "lse", kind: "numbers" },
    { name: "dy", kind: "rows" },
    ...OUTPUTS,
  ]);
  return bindings + lines.join("\n") + "\n";
}

/** The kernel of dk and dv: binds qkv, lse, dy, dqkv, delta, and optionally key and starts. */
export function printKeys(kernel: AttentionKernel): string {
  const { time, rows, divisor, dropout, documents } = kernel;
  const R = range(rows);
  const streamed: Streamed = {
    rows: [QUERY, DY],
    numbers: {
      log: { read: `lse[numbers + j] * ${LOG2E}`, zero: "0.0f" },
      along: { read: "delta[numbers + j]", zero: "0.0f" },
      ...documents !== undefined && { start: { read: "starts[tokens + j]", zero: "0u" } },
    },
  };
  const round = [
    ...documents === undefined ? [] : [`if (start >= block + ${ownedOf(kernel)}u) { continue; }`],
    ...rowProducts(kernel, { sum: "x", own: KEY, streamed: QUERY }),
    ...rowProducts(kernel, { sum: "z", own: VALUE, streamed: DY }),
    ...drawMasks(kernel, { query: "j", key: "first + r" }),
    ...R.flatMap((r) => [
      ...scoreGradient(kernel, r, {
        lse: "log",
        delta: "along",
        allowed: documents === undefined
          ? `first + ${r}u <= j`
          : `(first + ${r}u <= j) & (first + ${r}u >= start)`,
      }),
      `let u${r} = ${masked(kernel, `p${r}`, r)};`,
    ]),
    ...addStreamed(kernel, { to: DV, streamed: DY }, { weight: (r) => `u${r}` }),
    ...addStreamed(kernel, { to: DK, streamed: QUERY }, { weight: (r) => `d${r}` }),
  ];
  const lines = [
    ...head(kernel, { heavyLast: false }),
    ...loadRows(kernel, KEY, VALUE),
    ...registers(kernel, DK.name, DV.name),
    ...declareLaneRegisters(kernel, streamed),
    ...eachStreamed(kernel, { from: "block", end: `${time}u`, streamed }, round),
    ...storeRows(kernel, DK, () => literal(1 / divisor)),
    ...storeRows(kernel, DV, () => literal(1 / (dropout?.keep ?? 1))),
    "}",
  ];
  const bindings = declareAll(kernel, [
    { name: "qkv", kind: "rows" },
    { name: "lse", kind: "numbers" },
    { name: "dy", kind: "rows" },
    ...OUTPUTS,
  ]);
  return bindings + lines.join("\n") + "\n";
}
