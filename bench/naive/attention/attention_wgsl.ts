/** Prints what the kernels of textbook attention share: sizes, bindings, offsets of heads, masks. */
import type { AttentionAttrs, HeadPart } from "../../../kernels/attention/attention_attrs.ts";
import { divisorOf } from "../../../kernels/attention/attention_attrs.ts";
import { partColumns } from "../../../kernels/attention/attention_sizes.ts";
import type { AttentionSizes } from "../../../kernels/attention/attention_sizes.ts";
import { wordInputs } from "../../../kernels/attention/attention_words.ts";
import type { WordName } from "../../../kernels/attention/attention_words.ts";
import { keepThreshold } from "../../../src/graph/formula_eval.ts";
import { literal } from "../../../src/graph/formula_wgsl.ts";
import type { Binding, Launch } from "../../../src/graph/types.ts";
import { linearGroups, linearHead, THREEFRY } from "../../../src/graph/wgsl.ts";

/** A call: its sizes and attributes, and whether its optional inputs are joined in `words`. */
export interface NaiveCall {
  readonly sizes: AttentionSizes;
  readonly attrs: AttentionAttrs;
  readonly joined: boolean;
}

/** A buffer by name, its access and where it comes from. */
export interface NaiveBuffer {
  readonly name: string;
  readonly at: Binding;
}

/** WGSL of an element of an optional input. */
function word({ sizes, attrs, joined }: NaiveCall, name: WordName, index: string): string {
  const offset = wordInputs(sizes, attrs).find((words) => words.name === name)?.offset ?? 0;
  return joined ? `words[${offset}u + ${index}]` : `${name}[${index}]`;
}

/** WGSL constants of the sizes, and the offset of a head's row: `q_at(b, t, h)` and so on. */
function offsets({ sizes, attrs }: NaiveCall): string {
  const { queries, keys, heads, kvHeads, width, valueWidth } = sizes;
  const constants = { TQ: queries, TK: keys, H: heads, D: width, DV: valueWidth };
  const lines = Object.entries(constants).map(([name, value]) => `const ${name} = ${value}u;`);
  const functions = (["q", "k", "v"] as const).map((part) => {
    const { columns, first, width } = partColumns(sizes, part);
    const group = heads / kvHeads;
    const [time, head] = part === "q" ? ["TQ", "h"] : ["TK", group === 1 ? "h" : `(h / ${group}u)`];
    return `fn ${part}_at(b: u32, t: u32, h: u32) -> u32 {
  return (b * ${time} + t) * ${columns}u + ${first}u + ${head} * ${width}u;
}`;
  });
  const scale = `const DIVISOR = ${literal(divisorOf(width, attrs))};`;
  return [...lines, scale, ...functions, ""].join("\n");
}

/** WGSL of `kept(index)`: the factor of a probability. */
export function keptWgsl(call: NaiveCall): string {
  const { dropout } = call.attrs;
  if (dropout === undefined) return "fn kept(index: u32) -> f32 { return 1.0f; }\n";
  const { keep, site } = dropout;
  const [low, high] = call.joined
    ? [word(call, "key", "0u"), word(call, "key", "1u")]
    : ["key[0u]", "key[1u]"];
  return `${THREEFRY}fn kept(index: u32) -> f32 {
  let word = threefry(vec2<u32>(${low}, ${high}), vec2<u32>(index, ${site}u)).x >> 8u;
  return select(0.0f, ${literal(1 / keep)}, word < ${keepThreshold(keep)}u);
}
`;
}

/**
 * WGSL of `met(b, i, j)`: whether query i attends to key j; and of `bias(h, i, j)`, which ALiBi adds
 * to their score.
 */
export function metWgsl(call: NaiveCall): string {
  const { causal, window, starts, lengths, segments, alibi } = call.attrs;
  const other = segments === "pair" ? "key_segments" : "segments";
  const query = "b * TQ + i";
  const tests = [
    ...causal ? ["j <= i"] : [],
    ...window === undefined ? [] : [`max(i, j) - min(i, j) < ${window}u`],
    ...starts ? [`j >= ${word(call, "starts", query)}`] : [],
    ...lengths ? [`j < ${word(call, "lengths", "b")}`] : [],
    ...segments ? [`${word(call, "segments", query)} == ${word(call, other, "b * TK + j")}`] : [],
  ];
  const slopes = (alibi ?? []).map((slope, h) =>
    `  if (h == ${h}u) { return ${literal(-slope)} * abs(f32(i) - f32(j)); }\n`
  );
  return `fn met(b: u32, i: u32, j: u32) -> bool { return ${tests.join(" && ") || "true"}; }
fn bias(h: u32, i: u32, j: u32) -> f32 {
${slopes.join("")}  return 0.0f;
}
// Keys after a causal query, and queries before a causal key, are left out of loops.
fn last_key(i: u32) -> u32 { return ${causal ? "i" : "TK - 1u"}; }
fn first_query(j: u32) -> u32 { return ${causal ? "j" : "0u"}; }
`;
}

/** The buffers that hold the optional inputs `names`. */
export function wordBuffers(
  call: NaiveCall,
  names: readonly WordName[],
  first: number,
): NaiveBuffer[] {
  const all = wordInputs(call.sizes, call.attrs);
  const wanted = all.flatMap(({ name }, k) =>
    names.includes(name) ? [{ name, at: { input: first + k } }] : []
  );
  return call.joined && wanted.length > 0 ? [{ name: "words", at: { input: first } }] : wanted;
}

/** The base tensors that hold one of `parts`. */
export function baseBuffers({ sizes: { bases } }: NaiveCall, parts: string): NaiveBuffer[] {
  return bases.flatMap((name, input) =>
    [...parts].some((part) => name.includes(part)) ? [{ name, at: { input } }] : []
  );
}

/** Name of the base tensor that holds a part. */
export function baseName({ sizes: { bases } }: NaiveCall, part: HeadPart): string {
  return bases.find((parts) => parts.includes(part)) as string;
}

/** A launch of one thread `i` for each of `count` results. */
export function naiveLaunch(
  call: NaiveCall,
  { count, limit, buffers, functions = "", body }: {
    count: number;
    limit: number;
    buffers: readonly NaiveBuffer[];
    functions?: string;
    body: string;
  },
): Launch {
  const groups = linearGroups(count, limit);
  const words = ["key", "starts", "lengths", "segments", "key_segments", "words"];
  const bindings = buffers.map(({ name, at }, k) => {
    const access = "input" in at ? "read" : "read_write";
    const type = words.includes(name) ? "u32" : "f32";
    return `@group(0) @binding(${k}) var<storage, ${access}> ${name}: array<${type}>;\n`;
  });
  return {
    wgsl: `${bindings.join("")}${offsets(call)}${functions}${
      linearHead(count, groups)
    }\n${body}}\n`,
    bindings: buffers.map(({ at }) => at),
    groups,
  };
}
