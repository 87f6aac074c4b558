/**
 * The parts that attention's forward and backward kernels share: bindings, the start of a kernel,
 * scores, dropout. An invocation keeps `rows` tokens of one head in registers (owned) and streams the
 * other tokens one by one, so that each load is used by `rows` products. No workgroup memory.
 */
import { ceilDiv } from "../../../src/base/shape.ts";
import { keepThreshold } from "../../../src/graph/formula_eval.ts";
import { THREEFRY } from "../../../src/graph/wgsl.ts";
import type { AttentionKernel } from "../attention_tile.ts";
import { wordInputs } from "../attention_words.ts";
import { attends, biasedScore, MASKED_SCORE, slopeOf, wordOffsets } from "./mask.ts";
import { ownedOf } from "./rows.ts";
import { haveOneOffset, resultRows, resultUnit, rowsOf, unitOf } from "./views.ts";
import type { AttentionRows } from "./views.ts";

/**
 * The score in units of log2 of owned row r with the streamed token, minus `less`; the masked score
 * where they do not attend.
 */
export function score(
  kernel: AttentionKernel,
  product: string,
  { r, less = "0.0f" }: { r: number; less?: string },
): string {
  const scaled = biasedScore(kernel, product, { r, less });
  const allowed = attends(kernel, r);
  return allowed === undefined ? scaled : `select(${MASKED_SCORE}, ${scaled}, ${allowed})`;
}

/** A binding: its name and the type of its elements. */
export interface AttentionBinding {
  readonly name: string;
  readonly type: "f32" | "vec4<f32>" | "vec2<f32>";
  readonly write?: true;
}

/** The bindings of the base tensors, with `prefix` before their names. */
export function baseBindings(kernel: AttentionKernel, prefix = ""): AttentionBinding[] {
  return kernel.bases.map((name, base) => ({
    name: prefix + name,
    type: unitOf(kernel, base) === 4 ? "vec4<f32>" : "f32",
  }));
}

/** The binding of y or dy. */
export function resultBinding(kernel: AttentionKernel, name: string): AttentionBinding {
  return { name, type: resultUnit(kernel) === 4 ? "vec4<f32>" : "f32" };
}

/** Declares the bindings in order, the optional inputs last. */
export function declareAll(kernel: AttentionKernel, bounds: readonly AttentionBinding[]): string {
  const declare = (access: string, name: string, type: string, i: number) =>
    `@group(0) @binding(${i}) var<storage, ${access}> ${name}: ${type};\n`;
  const lines = bounds.map(({ name, type, write }, i) =>
    declare(write ? "read_write" : "read", name, `array<${type}>`, i)
  );
  const { attrs, joined } = kernel;
  const words = joined ? ["words"] : wordInputs(kernel, attrs).map(({ name }) => name);
  for (const name of words) {
    lines.push(declare("read", name, name === "key" ? "vec2<u32>" : "array<u32>", lines.length));
  }
  return (attrs.dropout === undefined ? "" : THREEFRY) + lines.join("");
}

/** Statement for the offset of a head's rows. */
function headOffset(
  row: AttentionRows,
  { tokens, batch, head }: { tokens: number; batch: string; head: string },
): string {
  const { stride, width, unit } = row;
  return `let ${row.head} = ${batch} * ${tokens * stride}u + ${head} * ${width / unit}u;`;
}

/** Statements for what is indexed by query head `head` (WGSL): q, y, lse and the slope. */
function queryOffsets(
  kernel: AttentionKernel,
  { batch, head, index }: { batch: string; head: string; index: string },
): string[] {
  const { queries } = kernel;
  const at = { tokens: queries, batch, head };
  return [
    headOffset(rowsOf(kernel, "q"), at),
    headOffset(resultRows(kernel, "y", "y"), at),
    `let numbers = ${index} * ${queries}u;`,
    ...slopeOf(kernel, head),
  ];
}

/** Query heads per head of keys. */
const groupOf = ({ heads, kvHeads }: AttentionKernel): number => heads / kvHeads;

/** Whether the kernel owns keys that several query heads attend to. */
const isGrouped = (kernel: AttentionKernel): boolean =>
  kernel.side === "keys" && groupOf(kernel) > 1;

/**
 * Start of a kernel: `first` token of the invocation, `block`, the first token of all invocations
 * that stream the same tokens in one loop, and the offsets of the head's rows.
 */
export function head(kernel: AttentionKernel, { heavyLast }: { heavyLast: boolean }): string[] {
  const { batch: rowsOfBatch, keys, owned, sideHeads, rows, group, groups, lanes } = kernel;
  const [tiles, all] = [ceilDiv(owned, ownedOf(kernel)), rowsOfBatch * sideHeads];
  const tile = kernel.headsFirst ? `me / ${all}u` : `me % ${tiles}u`;
  const own = "@builtin(global_invocation_id) gid: vec3<u32>";
  const lane = "@builtin(workgroup_id) wid: vec3<u32>, @builtin(subgroup_invocation_id) lane: u32";
  const [batch, head] = [`(bh / ${sideHeads}u)`, `(bh % ${sideHeads}u)`];
  const keyHead = kernel.side === "keys" || groupOf(kernel) === 1
    ? head
    : `(${head} / ${groupOf(kernel)}u)`;
  const keyOffset = (part: "k" | "v") =>
    headOffset(rowsOf(kernel, part), { tokens: keys, batch, head: keyHead });
  return [
    `@compute @workgroup_size(${group})`,
    `fn main(${lanes === undefined ? own : lane}) {`,
    lanes === undefined
      ? `let me = gid.x + gid.y * ${groups[0] * group}u;`
      : `let me = wid.x + wid.y * ${groups[0]}u;`,
    `if (me >= ${tiles * all}u) { return; }`,
    `let bh = ${kernel.headsFirst ? `me % ${all}u` : `me / ${tiles}u`};`,
    // Tiles with the longest loops are scheduled first.
    `let block = (${heavyLast ? `${tiles - 1}u - ${tile}` : tile}) * ${ownedOf(kernel)}u;`,
    `let first = ${lanes === undefined ? "block" : `block + lane * ${rows}u`};`,
    ...isGrouped(kernel) ? [] : queryOffsets(kernel, { batch, head, index: "bh" }),
    ...haveOneOffset(kernel) ? [] : [keyOffset("k"), keyOffset("v")],
    ...wordOffsets(kernel, batch),
  ];
}

/**
 * `body` for each query head that attends to the owned keys, in order; those of one head are added to
 * the sums of the one before.
 */
export function eachQueryHead(kernel: AttentionKernel, body: readonly string[]): string[] {
  if (!isGrouped(kernel)) return [...body];
  const { heads, kvHeads } = kernel;
  const [batch, group] = [`(bh / ${kvHeads}u)`, groupOf(kernel)];
  return [
    `for (var member = 0u; member < ${group}u; member++) {`,
    `let h = (bh % ${kvHeads}u) * ${group}u + member;`,
    ...queryOffsets(kernel, { batch, head: "h", index: `(${batch} * ${heads}u + h)` }),
    ...body,
    "}",
  ];
}

/** Statements that draw the dropout masks of the owned tokens with the streamed one into `bits`. */
export function drawMasks(kernel: AttentionKernel): string[] {
  const { attrs: { dropout }, side, rows, keys } = kernel;
  if (dropout === undefined) return [];
  const [query, key] = side === "queries" ? ["first + r", "j"] : ["j", "first + r"];
  // A loop, not unrolled: `rows` copies of the generator compile slowly.
  return [
    "var bits = 0u;",
    `for (var r = 0u; r < ${rows}u; r++) {`,
    `let index = (numbers + ${query}) * ${keys}u + ${key};`,
    `let word = threefry(key, vec2<u32>(index, ${dropout.site}u)).x >> 8u;`,
    `bits |= select(0u, 1u << r, word < ${keepThreshold(dropout.keep)}u);`,
    "}",
  ];
}

/** `value` of row `r` with dropout applied, without the factor 1 / keep. */
export function masked({ attrs: { dropout } }: AttentionKernel, value: string, r: number): string {
  if (dropout === undefined) return value;
  return `select(0.0f, ${value}, (bits & ${(1 << r) >>> 0}u) != 0u)`;
}
