/**
 * Encodes WebAssembly modules (Core Specification 3.0, section 5, binary format): one imported
 * memory, functions without results, and one export.
 */

/** Bytes of instructions; nested, so that expressions are composed without copying. */
export type WasmCode = readonly (number | WasmCode | Symbolic | Uint8Array)[];

/** An instruction that is chosen when its function is encoded. */
export type Symbolic =
  /** A sum of a product, a * b + c or c - a * b: its instructions depend on the machine. */
  | { readonly kind: "madd" | "nmadd" }
  /**
   * A vector constant of four words, joined by commas. It is computed once, at the start of its
   * function: V8 would build it again in every iteration of a loop, from two 64-bit words.
   */
  | { readonly kind: "constant"; readonly words: string };

/** Types of locals and parameters. */
export type LocalType = "i32" | "i64" | "v128";

/** A function without results. */
export interface EncodedFunction {
  /** Parameters, all i32. */
  readonly params: number;
  /** Types of the other locals. */
  readonly locals: readonly LocalType[];
  /** The instructions, without the final `end`. */
  readonly code: WasmCode;
}

const TYPE_BYTES: Readonly<Record<LocalType, number>> = { i32: 0x7f, i64: 0x7e, v128: 0x7b };
const FUNCTION_TYPE = 0x60;
const [END, GET, SET] = [0x0b, 0x20, 0x21];
const [NEG, ADD, MUL] = [vectorOp(225), vectorOp(228), vectorOp(230)];
const [MADD, NMADD] = [vectorOp(0x105), vectorOp(0x106)];
const CONST = vectorOp(12);
/** Pages of the largest memory: 4 GiB. */
const MOST_PAGES = 65536;

/** An unsigned integer as LEB128. */
export function unsigned(value: number): number[] {
  const bytes: number[] = [];
  let left = value;
  do {
    const low = left % 128;
    left = Math.floor(left / 128);
    bytes.push(left > 0 ? low | 128 : low);
  } while (left > 0);
  return bytes;
}

/** The code of a vector instruction by its number. */
export function vectorOp(number: number): WasmCode {
  return [0xfd, unsigned(number)];
}

/** A signed 32-bit integer as LEB128. */
export function signed(value: number): number[] {
  const bytes: number[] = [];
  let left = value | 0;
  while (true) {
    const low = left & 127;
    left >>= 7;
    const isLast = (left === 0 && (low & 64) === 0) || (left === -1 && (low & 64) !== 0);
    bytes.push(isLast ? low : low | 128);
    if (isLast) return bytes;
  }
}

/** The low 64 bits of an integer as signed LEB128. */
export function signed64(value: bigint): number[] {
  const bytes: number[] = [];
  let left = BigInt.asIntN(64, value);
  while (true) {
    const low = Number(left & 127n);
    left >>= 7n;
    const isLast = (left === 0n && (low & 64) === 0) || (left === -1n && (low & 64) !== 0);
    bytes.push(isLast ? low : low | 128);
    if (isLast) return bytes;
  }
}

/** The bytes of nested code; `lower` gives those of symbolic instructions. */
export function codeBytes(
  code: WasmCode,
  lower?: (symbolic: Symbolic) => WasmCode,
): Uint8Array<ArrayBuffer> {
  let bytes = new Uint8Array(4096);
  let size = 0;
  const add = (part: WasmCode) => {
    for (const each of part) {
      if (typeof each === "number") {
        if (size === bytes.length) grow(size + 1);
        bytes[size++] = each;
      } else if (each instanceof Uint8Array) {
        if (size + each.length > bytes.length) grow(size + each.length);
        bytes.set(each, size);
        size += each.length;
      } else if (!("kind" in each)) add(each);
      else if (lower !== undefined) add(lower(each));
      else throw new TypeError(`Cannot encode ${each.kind} outside of a function`);
    }
  };
  const grow = (least: number) => {
    const larger = new Uint8Array(Math.max(least, 2 * bytes.length));
    larger.set(bytes);
    bytes = larger;
  };
  add(code);
  return bytes.slice(0, size);
}

/** How sums of products are rounded. */
export interface Arithmetic {
  /** Whether `relaxed_madd` rounds once; if not, sums of products are printed as two operations. */
  readonly fuses: boolean;
}

/** The body of a function: its locals and instructions, with the size in front. */
export function encodeBody(
  { params, locals, code }: EncodedFunction,
  { fuses }: Arithmetic,
): Uint8Array<ArrayBuffer> {
  const all = [...locals];
  const constants = new Map<string, WasmCode>();
  const start: WasmCode[] = [];
  const constant = (words: string): WasmCode => {
    const known = constants.get(words);
    if (known !== undefined) return known;
    const local = unsigned(params + all.push("v128") - 1);
    const get = [GET, local];
    constants.set(words, get);
    start.push([CONST, wordBytes(words), SET, local]);
    return get;
  };
  let spare: WasmCode | undefined;
  const instructions = codeBytes(code, (symbolic) => {
    if (symbolic.kind === "constant") return constant(symbolic.words);
    const { kind } = symbolic;
    if (fuses) return kind === "madd" ? MADD : NMADD;
    spare ??= unsigned(params + all.push("v128") - 1);
    return [SET, spare, kind === "madd" ? MUL : [MUL, NEG], GET, spare, ADD];
  });
  const runs: [LocalType, number][] = [];
  for (const type of all) {
    const last = runs.at(-1);
    if (last?.[0] === type) last[1]++;
    else runs.push([type, 1]);
  }
  const declared = runs.map(([type, count]) => [...unsigned(count), TYPE_BYTES[type]]);
  const body = codeBytes([vector(declared), start, instructions, END]);
  return codeBytes([unsigned(body.length), body]);
}

/** The bytes of four words that are joined by commas. */
function wordBytes(words: string): Uint8Array {
  return new Uint8Array(Uint32Array.from(words.split(","), Number).buffer);
}

/** A module to encode. */
export interface EncodedModule {
  /** Parameter counts and bodies ({@linkcode encodeBody}). */
  readonly functions: readonly { readonly params: number; readonly body: Uint8Array }[];
  /** Index of the exported function by name. */
  readonly exports: Readonly<Record<string, number>>;
}

/** Encodes a module that imports its memory as `env.memory`. */
export function encodeModule({ functions, exports }: EncodedModule): Uint8Array<ArrayBuffer> {
  const counts = Array.from(new Set(functions.map(({ params }) => params)));
  const types = counts.map((count) => [
    FUNCTION_TYPE,
    vector(Array.from({ length: count }, () => [TYPE_BYTES.i32])),
    vector([]),
  ]);
  const memory = [...name("env"), ...name("memory"), 0x02, 0x01, 0, ...unsigned(MOST_PAGES)];
  return codeBytes([
    [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    section(1, vector(types)),
    section(2, vector([memory])),
    section(3, vector(functions.map(({ params }) => unsigned(counts.indexOf(params))))),
    section(
      7,
      vector(Object.entries(exports).map(([key, at]) => [...name(key), 0x00, ...unsigned(at)])),
    ),
    section(10, vector(functions.map(({ body }) => [body]))),
  ]);
}

function vector(items: readonly WasmCode[]): WasmCode {
  return [unsigned(items.length), ...items];
}

function name(text: string): number[] {
  const bytes = new TextEncoder().encode(text);
  return [...unsigned(bytes.length), ...bytes];
}

function section(id: number, content: WasmCode): WasmCode {
  const bytes = codeBytes(content);
  return [id, unsigned(bytes.length), bytes];
}
