/** Vector constants of a function, which are computed once at its start instead of at each use. */
import { unsigned, vectorOp, type WasmCode } from "./encode.ts";

const [GET, SET] = [0x20, 0x21];
const CONST = vectorOp(12);
/** Words that cost one instruction wherever they are used. */
const CHEAP: readonly string[] = [0, 0xffffffff].map((word) => Array(4).fill(word).join());

/** The words of each constant's code. */
const wordsOf = new WeakMap<WasmCode, string>();

/** Code of a constant of four words. */
export function constantCode(words: Uint32Array): WasmCode {
  const code = [CONST, Array.from(new Uint8Array(words.buffer))];
  const key = words.join();
  if (!CHEAP.includes(key)) wordsOf.set(code, key);
  return code;
}

/**
 * Replaces constants by locals that are set at the start: V8 would make each constant anew in every
 * iteration of a loop, from two 64-bit words. `local` adds a local and returns its index.
 */
export function hoistConstants(code: WasmCode, local: () => number): WasmCode {
  const known = new Map<string, number>();
  const start: WasmCode[] = [];
  const replace = (part: WasmCode): WasmCode => {
    const key = wordsOf.get(part);
    if (key === undefined) {
      return part.map((p) => typeof p === "number" || "kind" in p ? p : replace(p));
    }
    let index = known.get(key);
    if (index === undefined) {
      index = local();
      known.set(key, index);
      start.push([part, SET, unsigned(index)]);
    }
    return [GET, unsigned(index)];
  };
  const replaced = replace(code);
  return [start, replaced];
}
