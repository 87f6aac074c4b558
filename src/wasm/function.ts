/** Functions of a module: their parameters, and how their bodies are printed. */
import type { WasmCode } from "./encode.ts";
import { type Area, checkAccess, I32, type Pointer, type Range } from "./values.ts";

const I32_ADD = 0x6a;

/** The parameters of a function: addresses of areas, then integers in ranges. */
export interface Signature {
  readonly areas: readonly { readonly name: string; readonly bytes: number }[];
  readonly ints?: readonly Range[];
}

/** A function that others of the module call. */
export interface Callee extends Signature {
  /** Index in the module. */
  readonly index: number;
}

/** Prints the body of a function with its parameters. */
export type PrintFunction<Body> = (b: Body, areas: readonly Area[], ints: readonly I32[]) => void;

/**
 * Adds functions to the module of a body. One whose signature and `key` are known is not printed
 * again, so the key must say all that `print` depends on; without a key it is printed.
 */
export type DefineFunction<Body> = (
  signature: Signature,
  print: PrintFunction<Body>,
  key?: string,
) => Callee;

/** What a function is called with. */
export interface Arguments {
  readonly areas: readonly Pointer[];
  readonly ints?: readonly I32[];
}

/**
 * The code of a call's arguments. @throws {RangeError} when an area or an integer is not provably
 * within what the function was printed for.
 */
export function argumentCode({ areas, ints = [] }: Signature, args: Arguments): WasmCode {
  const values = args.ints ?? [];
  if (args.areas.length !== areas.length || values.length !== ints.length) {
    throw new RangeError("Cannot print a call: it has another number of arguments");
  }
  const addresses = args.areas.map((pointer, k) => {
    checkAccess(pointer, areas[k]?.bytes ?? NaN);
    const { code, offset } = pointer;
    return offset === 0 ? code : [code, I32.of(offset).code, I32_ADD];
  });
  values.forEach(({ min, max }, k) => {
    const range = ints[k] as Range;
    if (min >= range.min && max <= range.max) return;
    throw new RangeError(
      `Cannot print a call: integer ${k} is in [${min}, ${max}], not in [${range.min}, ${range.max}]`,
    );
  });
  return [addresses, values.map(({ code }) => code)];
}
