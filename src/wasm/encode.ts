/**
 * Encodes WebAssembly modules (Core Specification 3.0, section 5, binary format): one imported
 * memory, functions without results, and one export.
 */

/** Bytes of instructions; nested, so that expressions are composed without copying. */
export type WasmCode = readonly (number | WasmCode | Symbolic)[];

/** A sum of a product, a * b + c or c - a * b, whose instructions depend on the machine. */
export interface Symbolic {
  readonly kind: "madd" | "nmadd";
}

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
      if (typeof each !== "number") {
        if (!("kind" in each)) add(each);
        else if (lower !== undefined) add(lower(each));
        else throw new TypeError(`Cannot encode ${each.kind} outside of a function`);
      } else {
        if (size === bytes.length) {
          const larger = new Uint8Array(2 * size);
          larger.set(bytes);
          bytes = larger;
        }
        bytes[size++] = each;
      }
    }
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
  let spare: WasmCode | undefined;
  const instructions = codeBytes(code, ({ kind }) => {
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
  const body = codeBytes([vector(declared), Array.from(instructions), END]);
  return codeBytes([unsigned(body.length), Array.from(body)]);
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
    section(10, vector(functions.map(({ body }) => Array.from(body)))),
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
  return [id, unsigned(bytes.length), Array.from(bytes)];
}
