/**
 * The optional u32 inputs of attention: the random key of dropout, and the tensors of masks. WebGPU
 * guarantees 8 buffers per launch, so where more of them come than a launch can bind, the forward op
 * joins them in one buffer, which the backward op takes instead.
 */
import { sameShape, showShape, sizeOf } from "../../src/base/shape.ts";
import type { Launch, Spec, Target, View } from "../../src/graph/types.ts";
import { linearGroups, linearHead } from "../../src/graph/wgsl.ts";
import type { AttentionAttrs } from "./attention_attrs.ts";
import type { AttentionSizes } from "./attention_sizes.ts";

/** Name of an optional input; segment ids of keys are `key_segments` if they have their own. */
export type WordName = "key" | "starts" | "lengths" | "segments" | "key_segments";

/** An optional input. */
export interface WordInput {
  readonly name: WordName;
  readonly shape: readonly number[];
  /** First element in the joined buffer. */
  readonly offset: number;
}

/** The optional inputs of a call, in order. */
export function wordInputs(sizes: AttentionSizes, attrs: AttentionAttrs): WordInput[] {
  const { batch, queries, keys } = sizes;
  const wanted: [WordName, readonly number[], boolean][] = [
    ["key", [2], attrs.dropout !== undefined],
    ["starts", [batch, queries], attrs.starts === true],
    ["lengths", [batch], attrs.lengths === true],
    ["segments", [batch, queries], attrs.segments !== undefined],
    ["key_segments", [batch, keys], attrs.segments === "pair"],
  ];
  let offset = 0;
  return wanted.filter(([, , used]) => used).map(([name, shape]) => {
    const words = { name, shape, offset };
    offset += sizeOf(shape);
    return words;
  });
}

/** Spec of the joined buffer; undefined where the optional inputs are bound one by one. */
export function joinedSpec(sizes: AttentionSizes, attrs: AttentionAttrs): Spec | undefined {
  const all = wordInputs(sizes, attrs);
  if (all.length <= (sizes.bases.length === 1 ? 2 : 1)) return undefined;
  return { shape: [all.reduce((n, { shape }) => n + sizeOf(shape), 0)], dtype: "u32" };
}

const WHAT: Readonly<Record<WordName, string>> = {
  key: "with dropout: its key",
  starts: "inside documents: their starts",
  lengths: "with lengths: they",
  segments: "inside segments: their ids",
  key_segments: "inside segments: the ids of keys",
};

/**
 * Checks the optional inputs of the forward op.
 * @throws {RangeError} when one is missing, has a wrong spec, or there are more.
 */
export function requireWords(
  extra: readonly Spec[],
  sizes: AttentionSizes,
  attrs: AttentionAttrs,
): void {
  const all = wordInputs(sizes, attrs);
  all.forEach(({ name, shape }, k) => requireU32(WHAT[name], extra[k], shape));
  if (extra.length > all.length) {
    throw new RangeError(
      `Cannot attend: needs ${all.length} more inputs behind q, k and v (a key for dropout, ` +
        `tensors for masks): ${extra.length}`,
    );
  }
}

/** Checks the optional inputs of the backward op, as {@linkcode requireWords} does. */
export function requireBackwardWords(
  extra: readonly Spec[],
  sizes: AttentionSizes,
  attrs: AttentionAttrs,
): void {
  const joined = joinedSpec(sizes, attrs);
  if (joined === undefined) return requireWords(extra, sizes, attrs);
  requireU32("backwards: joined key and masks", extra[0], joined.shape);
}

function requireU32(what: string, spec: Spec | undefined, shape: readonly number[]): void {
  if (spec?.dtype === "u32" && sameShape(spec.shape, shape)) return;
  throw new RangeError(
    `Cannot attend ${what} must be u32 ${showShape(shape)}: ${spec?.dtype} ` +
      showShape(spec?.shape ?? []),
  );
}

/** Elements of an optional input; undefined where the call has none of this name. */
export type WordReader = (name: WordName) => ((index: number) => number) | undefined;

/** Reads the optional inputs, joined (if there is one and it is) or one by one. */
export function readWords(
  extra: readonly View[],
  sizes: AttentionSizes,
  attrs: AttentionAttrs,
): WordReader {
  const all = wordInputs(sizes, attrs);
  const joined = extra.length < all.length;
  return (name) => {
    const k = all.findIndex((words) => words.name === name);
    const offset = joined ? all[k]?.offset ?? 0 : 0;
    const data = extra[joined ? 0 : k]?.data;
    return k < 0 || data === undefined ? undefined : (index) => data[offset + index] as number;
  };
}

/** Joins the optional inputs in `joined`: the reference. */
export function joinWords(extra: readonly View[], joined: View): void {
  let offset = 0;
  for (const { data } of extra) {
    joined.data.set(data, offset);
    offset += data.length;
  }
}

/** The launch that joins the optional inputs, inputs `first` and on, in output `joined`. */
export function joinLaunch(
  all: readonly WordInput[],
  { first, joined, target }: { first: number; joined: number; target: Target },
): Launch {
  const total = all.reduce((n, { shape }) => n + sizeOf(shape), 0);
  const groups = linearGroups(total, target.groups);
  const declare = (name: string, access: string, at: number) =>
    `@group(0) @binding(${at}) var<storage, ${access}> ${name}: array<u32>;\n`;
  const copies = all.map(({ name, shape, offset }) =>
    `  if (i >= ${offset}u && i < ${
      offset + sizeOf(shape)
    }u) { words[i] = ${name}[i - ${offset}u]; }`
  );
  return {
    wgsl: all.map(({ name }, k) => declare(name, "read", k)).join("") +
      declare("words", "read_write", all.length) +
      [linearHead(total, groups), ...copies, "}"].join("\n") + "\n",
    bindings: [...all.map((_, k) => ({ input: first + k })), { output: joined }],
    groups,
  };
}
