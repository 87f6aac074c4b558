/** Functions of a module: their parameters, and how their bodies are printed. */
import type { Area, I32, Range } from "./values.ts";

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

/** Adds functions to the module of a body. */
export type DefineFunction<Body> = (signature: Signature, print: PrintFunction<Body>) => Callee;
