/**
 * Fuzzes the safetensors header parser, one file per round. An independent implementation of the
 * rules of the format and of src/checkpoint/tensors/header.ts decides the expected result.
 */
import { Damage } from "../../src/checkpoint/damage.ts";
import {
  encodeTensorHeader,
  headerLength,
  LENGTH_PREFIX,
  parseHeader,
} from "../../src/checkpoint/tensors/header.ts";
import { dice, mutate, pick, type Roll, same } from "./dice.ts";
import { concat } from "../transport/wire.ts";
import { Violation } from "./frames.ts";
import { type Json, readJson } from "./json.ts";
import { Malformed } from "./msgpack.ts";

/** The contents of a header. */
interface Reading {
  readonly entries: readonly {
    readonly name: string;
    readonly shape: readonly number[];
    readonly begin: number;
    readonly end: number;
  }[];
  readonly metadata: Readonly<Record<string, string>>;
}

const TENSORS = ([["w", [2, 3]], ["b", [3]], ["scale", []], ["none", [0, 4]]] as const)
  .map(([name, shape]) => ({
    name,
    shape,
    data: new Float32Array(shape.reduce<number>((n, size) => n * size, 1)),
  }));
const DATA_BYTES = TENSORS.reduce((n, { data }) => n + data.byteLength, 0);
const DATA = new Uint8Array(DATA_BYTES);
const FILE = concat(encodeTensorHeader(TENSORS, { step: "3", note: "é" }), DATA);

/** Runs one round; returns its kind and outcome. @throws {Violation} */
export function headerRound(seed: number, round: number): string {
  const roll = dice(seed, round);
  const isDamaged = roll(3) === 0;
  const file = isDamaged ? mutate(FILE, roll) : written(roll);
  const kind = isDamaged ? "damaged" : "written";
  const what = `header, ${kind}, seed ${seed}, round ${round}`;
  const verdict = attempt(() => judge(file), Malformed, what);
  const real = attempt(() => parse(file), Damage, what);
  if (verdict instanceof Malformed) {
    if (!(real instanceof Damage)) throw new Violation(`${what}: accepted: ${verdict.message}`);
    return `${kind}: ${verdict.message}`;
  }
  if (real instanceof Damage) throw new Violation(`${what}: refused: ${real.message}`);
  if (!same(real, verdict)) throw new Violation(`${what}: read as another value`);
  return `${kind}: sound`;
}

/** The result, or the error of the allowed class. */
function attempt<T, E extends Error>(
  body: () => T,
  error: new (...args: never[]) => E,
  what: string,
): T | E {
  try {
    return body();
  } catch (thrown) {
    if (thrown instanceof error) return thrown;
    throw new Violation(`${what}: another error than ${error.name}: ${thrown}`, { cause: thrown });
  }
}

/** The real parser, on a whole file. */
function parse(file: Uint8Array): Reading {
  const length = headerLength(file.subarray(0, LENGTH_PREFIX), { what: "x", size: file.length });
  const { entries, metadata } = parseHeader(file.subarray(LENGTH_PREFIX, LENGTH_PREFIX + length), {
    what: "x",
    dataBytes: file.length - LENGTH_PREFIX - length,
  });
  return {
    entries: entries.map(({ name, shape, begin, end }) => ({ name, shape, begin, end })),
    metadata: { ...metadata },
  };
}

/** A file with a well-formed but false header. */
function written(roll: Roll): Uint8Array {
  const entries = TENSORS.map(({ name, shape, data }, i) => {
    const begin = TENSORS.slice(0, i).reduce((n, t) => n + t.data.byteLength, 0);
    return [
      name,
      `{"dtype":"F32","shape":[${shape}],"data_offsets":[${begin},${begin + data.byteLength}]}`,
    ];
  });
  let text = `{"__metadata__":{"step":"3"},${
    entries.map(([name, value]) => `"${name}":${value}`).join()
  }}`;
  for (let i = roll(3); i >= 0; i--) text = lied(text, roll);
  const json = new TextEncoder().encode(text);
  const length = new Uint8Array(8);
  const claim = roll(20) === 0 ? pick(CLAIMS, roll) : BigInt(json.length);
  new DataView(length.buffer).setBigUint64(0, claim, true);
  return concat(length, json, roll(20) === 0 ? DATA.subarray(roll(DATA_BYTES)) : DATA);
}

const CLAIMS = [0n, 1n, 8n * 2n ** 20n, 8n * 2n ** 20n + 1n, 2n ** 32n, 2n ** 53n, 2n ** 64n - 1n];

/** Parts of a header, and false replacements. */
const LIES: readonly (readonly [RegExp, readonly string[]])[] = [
  [/"F32"/g, ['"F16"', '"f32"', '"F\\u00332"', "null", "[]"]],
  [/\b\d+\b/g, ["-1", "1.0", "1e1", "4294967296", "9007199254740993", "1e400", "-0", "01", "true"]],
  [/"(w|b|scale|none)"/g, ['"w"', '"__proto__"', '"constructor"', '"\\u0077"', '"a b"', '""']],
  [/"(dtype|shape|data_offsets)"/g, ['"dtype"', '"other"', '"\\u0073hape"', '"__proto__"']],
  [/"__metadata__"/g, ['"x"', '"__metadata__" ', '"\\u005f_metadata__"']],
  [/"3"/g, ["3", "null", "{}", '"\\ud800"', '"\\x"', '"\u0001"', '"4"']],
  // Duplicate keys, which JSON.parse accepts.
  [/"F32"/g, ['"F32","dtype":"F32"', '"F16","dtype":"F32"', '"F32","\\u0064type":"F32"']],
  [/"3"/g, ['"3","step":"3"', '"2","s\\u0074ep":"3"']],
  [/"b":/g, ['"b":{"dtype":"F32","shape":[3],"data_offsets":[24,36]},"b":']],
  [/[[\]{}:,]/g, ["", "[", "]", "{", "}", ",", ":", " : ", "[[", "/**/", "\u00a0", "\t"]],
  [/\[[\d,]*\]/g, ["[]", "[0,0]", "[0,24]", "[24,36]", "[[2]]", "[3,2]", "[6]", "[2,3,1]", "{}"]],
  [/$/g, [" ", "\n", "x", "\0", "{}"]],
  [/^/g, [" ", "\ufeff", "["]],
];

function lied(text: string, roll: Roll): string {
  const [pattern, words] = pick(LIES, roll);
  const places = [...text.matchAll(pattern)];
  if (places.length === 0) return text;
  const { index, 0: found } = pick(places, roll);
  return text.slice(0, index) + pick(words, roll) + text.slice(index + found.length);
}

/** The expected result for a file. @throws {Malformed} */
function judge(file: Uint8Array): Reading {
  demand(file.length >= 8, "no length");
  const length = file.subarray(0, 8).reduceRight((n, byte) => n * 256 + byte, 0);
  demand(length <= 8 * 2 ** 20, "a header that is too long");
  demand(8 + length <= file.length, "a file that ends in its header");
  const text = decode(file.subarray(8, 8 + length));
  demand(text.startsWith("{"), "no { at the start");
  const json = readJson(text, 3);
  const pairs = pairsOf(json);
  const entries: Reading["entries"][number][] = [];
  let metadata: Record<string, string> = {};
  for (const [name, value] of pairs) {
    if (name === "__metadata__") metadata = metadataOf(value);
    else entries.push(entryOf(name, value));
  }
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  const last = entries.reduce((at, { begin, end }) => {
    demand(begin === at, "a hole or an overlap");
    return end;
  }, 0);
  demand(last === file.length - 8 - length, "data that no tensor names");
  return { entries, metadata };
}

function entryOf(name: string, value: Json): Reading["entries"][number] {
  demand(name !== "" && [...name].every((c) => c > " " && c <= "~"), "a name that may not be");
  const fields = new Map(pairsOf(value));
  demand(
    [...fields.keys()].sort().join() === "data_offsets,dtype,shape",
    "other fields than dtype, shape and data_offsets",
  );
  const dtype = fields.get("dtype");
  demand(dtype?.kind === "string" && dtype.text === "F32", "another dtype");
  const shape = sizesOf(fields.get("shape"));
  const [begin = NaN, end = NaN, ...more] = sizesOf(fields.get("data_offsets"));
  demand(begin <= end && more.length === 0, "no begin and end");
  let bytes = 4n;
  for (const size of shape) {
    bytes *= BigInt(size);
    demand(bytes <= BigInt(Number.MAX_SAFE_INTEGER), "a product that overflows");
  }
  demand(Number(bytes) === end - begin, "a shape that does not fill its bytes");
  return { name, shape, begin, end };
}

function sizesOf(json: Json | undefined): number[] {
  demand(json?.kind === "array", "no list of sizes");
  return json.items.map((item) => {
    demand(item.kind === "number" && Number.isSafeInteger(item.value), "no whole number");
    demand(item.value >= 0, "a negative size");
    return item.value;
  });
}

function metadataOf(json: Json): Record<string, string> {
  const texts = pairsOf(json).map(([key, value]) => {
    demand(value.kind === "string", "metadata that is no text");
    return [key, value.text] as const;
  });
  return Object.fromEntries(texts);
}

function pairsOf(json: Json): readonly (readonly [string, Json])[] {
  demand(json.kind === "object", "no object");
  const keys = json.pairs.map(([key]) => key);
  demand(new Set(keys).size === keys.length, "a key that stands twice");
  return json.pairs;
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Malformed("no UTF-8");
  }
}

function demand(holds: boolean, fault: string): asserts holds {
  if (!holds) throw new Malformed(fault);
}
