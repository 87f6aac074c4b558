/**
 * WGSL of attention's masks and score biases: which keys a query attends to, and which tokens a loop
 * can skip.
 */
import { literal } from "../../../src/graph/formula_wgsl.ts";
import { range } from "../../emit/range.ts";
import type { AttentionKernel } from "../attention_tile.ts";
import { wordInputs } from "../attention_words.ts";
import type { WordName } from "../attention_words.ts";
import { eachRow, ownedOf, setRow } from "./rows.ts";
import type { StreamedNumber } from "./rows.ts";

/** The score of a masked token: its exponential is 0. */
export const MASKED_SCORE = literal(-3e38);

/**
 * The maximum of no scores. Above the masked score, so that the weight of a masked token is 0 even
 * where none came before that is not.
 */
const NO_SCORE = literal(-1e38);

/**
 * The first maximum of a query's scores. Causal masks and starts begin with the masked score: what
 * masked tokens add to the sums is multiplied by 0 when the first other token comes.
 */
export function firstMaximum({ attrs: { window, lengths, segments } }: AttentionKernel): string {
  return window !== undefined || lengths || segments ? NO_SCORE : MASKED_SCORE;
}

/** WGSL of an element of an optional input. */
export function wordAt(kernel: AttentionKernel, name: WordName, index: string): string {
  if (!kernel.joined) return `${name}[${index}]`;
  const offset = wordInputs(kernel, kernel.attrs).find((words) => words.name === name)?.offset ?? 0;
  return `words[${offset}u + ${index}]`;
}

/** The window, unless it holds all keys. */
function windowOf({ attrs: { window }, queries, keys }: AttentionKernel): number | undefined {
  return window === undefined || window >= Math.max(queries, keys) ? undefined : window;
}

/** Whether some query may have no key, for some values of the optional inputs. */
export function mayBeEmpty(kernel: AttentionKernel): boolean {
  const { attrs: { causal, lengths, segments }, queries, keys } = kernel;
  const window = windowOf(kernel);
  const beyond = !causal && window !== undefined && queries > keys + window - 1;
  return lengths === true || segments === "pair" || beyond;
}

/** Statements for the offsets of batch row `batch` (WGSL) in the optional inputs. */
export function wordOffsets(kernel: AttentionKernel, batch: string): string[] {
  const { attrs: { starts, lengths, segments, dropout }, queries, keys, joined } = kernel;
  const key = wordAt(kernel, "key", "0u");
  return [
    ...starts || segments ? [`let tokens = ${batch} * ${queries}u;`] : [],
    ...segments === "pair" ? [`let key_tokens = ${batch} * ${keys}u;`] : [],
    ...lengths ? [`let key_count = ${wordAt(kernel, "lengths", batch)};`] : [],
    ...joined && dropout ? [`let key = vec2<u32>(${key}, ${key.replace("0u]", "1u]")});`] : [],
  ];
}

/** Statement for `slope`, the ALiBi slope of head `head` (WGSL) in units of log2. */
export function slopeOf({ attrs: { alibi } }: AttentionKernel, head: string): string[] {
  if (alibi === undefined) return [];
  const value = (slope: number) => literal(slope * Math.LOG2E);
  return [
    "var slope = 0.0f;",
    ...alibi.map((slope, h) => `slope = select(slope, ${value(slope)}, ${head} == ${h}u);`),
  ];
}

/** Segment ids of one side: the input and the offset of the batch row. */
function segmentsOf({ attrs: { segments } }: AttentionKernel, side: "queries" | "keys"): {
  name: WordName;
  offset: string;
} {
  return side === "keys" && segments === "pair"
    ? { name: "key_segments", offset: "key_tokens" }
    : { name: "segments", offset: "tokens" };
}

/**
 * Statements for what masks need of the owned tokens: `start<r>`, the first key of query r, and their
 * minimum `earliest`; `segment<r>`.
 */
export function loadOwnedMasks(kernel: AttentionKernel): string[] {
  const { attrs: { starts, segments }, side, rows, lanes } = kernel;
  const R = range(rows);
  const load = (name: string, from: WordName, offset: string) => [
    ...R.map((r) => `var ${name}${r} = 0u;`),
    ...eachRow(kernel, [
      `let own = ${wordAt(kernel, from, `${offset} + t`)};`,
      ...setRow(kernel, name, "own"),
    ]),
  ];
  const own = segmentsOf(kernel, side);
  return [
    ...starts && side === "queries"
      ? [
        ...load("start", "starts", "tokens"),
        `let least = ${R.map((r) => `start${r}`).reduce((x, y) => `min(${x}, ${y})`)};`,
        `let earliest = ${lanes === undefined ? "least" : "subgroupMin(least)"};`,
      ]
      : [],
    ...segments === undefined ? [] : load("segment", own.name, own.offset),
  ];
}

/** What masks need of the streamed token: `start` of a query, `other`, its segment. */
export function streamedMasks(kernel: AttentionKernel): Record<string, StreamedNumber> {
  const { attrs: { starts, segments }, side } = kernel;
  const other = segmentsOf(kernel, side === "queries" ? "keys" : "queries");
  return {
    ...starts && side === "keys" &&
      { start: { read: wordAt(kernel, "starts", "tokens + j"), zero: "0u" } },
    ...segments !== undefined &&
      { other: { read: wordAt(kernel, other.name, `${other.offset} + j`), zero: "0u" } },
  };
}

/** Statements that skip a streamed query whose keys all come after the owned ones. */
export function skipStarted(kernel: AttentionKernel): string[] {
  return kernel.attrs.starts ? [`if (start >= block + ${ownedOf(kernel)}u) { continue; }`] : [];
}

/** WGSL test whether owned row r and the streamed token attend; undefined: all do. */
export function attends(kernel: AttentionKernel, r: number): string | undefined {
  const { attrs: { causal, starts, lengths, segments }, side } = kernel;
  const window = windowOf(kernel);
  const own = `first + ${r}u`;
  const isQuery = side === "queries";
  const [query, key, start] = isQuery ? [own, "j", `start${r}`] : ["j", own, "start"];
  const tests = [
    ...causal ? [`${key} <= ${query}`] : [],
    ...starts ? [`${key} >= ${start}`] : [],
    ...window === undefined ? [] : [`${query} < ${key} + ${window}u`],
    ...window === undefined || causal ? [] : [`${key} < ${query} + ${window}u`],
    // Loops over keys end there.
    ...lengths && !isQuery ? [`${key} < key_count`] : [],
    ...segments === undefined ? [] : [`segment${r} == other`],
  ];
  return tests.length < 2 ? tests[0] : tests.map((test) => `(${test})`).join(" & ");
}

/** The range of tokens that the owned ones stream: those outside of it are masked. */
export function streamedRange(kernel: AttentionKernel): { from: string; end: string } {
  const { attrs: { causal, starts, lengths }, side, streamed } = kernel;
  const window = windowOf(kernel);
  const owned = ownedOf(kernel);
  const isQuery = side === "queries";
  const before = window === undefined || causal && !isQuery
    ? []
    : [`max(block, ${window - 1}u) - ${window - 1}u`];
  const froms = [
    ...starts && isQuery ? ["earliest"] : [],
    ...causal && !isQuery ? ["block"] : [],
    ...before,
  ];
  const from = froms.length === 0 ? "0u" : froms.reduce((x, y) => `max(${x}, ${y})`);
  // Without a mask, a bound that compilers cannot compute: they would unroll the loop.
  const after = causal && isQuery
    ? owned
    : window !== undefined
    ? owned + window - 1
    : causal
    ? undefined
    : streamed;
  const end = after === undefined ? `${streamed}u` : `min(block + ${after}u, ${streamed}u)`;
  if (!lengths) return { from, end };
  return {
    from,
    end: isQuery ? `min(${end}, key_count)` : `select(${end}, 0u, block >= key_count)`,
  };
}

/**
 * WGSL of the unmasked score of owned row r in units of log2: `product / divisor`, with ALiBi's bias,
 * minus `less`. With a bias, fused operations are explicit: drivers contract sums of several products
 * in either way, and bits must not depend on tiles.
 */
export function biasedScore(
  { divisor, attrs: { alibi } }: AttentionKernel,
  product: string,
  { r, less }: { r: number; less: string },
): string {
  const scale = literal(Math.LOG2E / divisor);
  if (alibi === undefined) return `${product} * ${scale} - ${less}`;
  const distance = `abs(f32(first + ${r}u) - f32(j))`;
  return `fma(${product}, ${scale}, fma(-slope, ${distance}, -${less}))`;
}
