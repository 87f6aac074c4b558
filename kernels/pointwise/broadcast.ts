/**
 * Broadcasting of elementwise inputs to the output's shape: full size, repeated along leading axes
 * (a bias over rows), one value per row of the last axis, scalar, or a u32 key pair. Prints declarations and loads accordingly.
 */
import { sameShape, sizeOf } from "../../src/base/shape.ts";
import type { Formula } from "../../src/graph/formula.ts";
import { keyInputs } from "../../src/graph/formula.ts";
import type { Binding, Cost, Io, Spec } from "../../src/graph/types.ts";
import { THREEFRY } from "../../src/graph/wgsl.ts";

/** How an input is broadcast. */
export type BroadcastKind = "full" | "suffix" | "row" | "scalar" | "key";

/** How `input` broadcasts to the shape of `out`, or undefined when it does not. */
export function broadcastKindOf(input: Spec, out: Spec): BroadcastKind | undefined {
  if (input.dtype === "u32") return sizeOf(input.shape) === 2 ? "key" : undefined;
  const n = sizeOf(input.shape);
  if (n === sizeOf(out.shape)) return "full";
  if (n === 1) return "scalar";
  if (sameShape(input.shape, [...out.shape.slice(0, -1), 1])) return "row";
  const tail = out.shape.slice(out.shape.length - input.shape.length);
  return input.shape.length <= out.shape.length && tail.every((d, i) => d === input.shape[i])
    ? "suffix"
    : undefined;
}

/** Maps an element of `out` to the element of `input` that it reads; not for keys. */
export function sourceElement(input: Spec, out: Spec): (i: number) => number {
  const [n, columns] = [sizeOf(input.shape), out.shape.at(-1) ?? 1];
  return broadcastKindOf(input, out) === "row" ? (i) => Math.floor(i / columns) : (i) => i % n;
}

/** Elements per invocation: 4 if all full and repeated inputs allow vec4 loads, else 1. */
export function widthOf(inputs: readonly Spec[], out: Spec): 1 | 4 {
  return [out, ...inputs.filter((s) => ["full", "suffix"].includes(broadcastKindOf(s, out) ?? ""))]
      .every((s) => (s.shape.at(-1) ?? 1) % 4 === 0)
    ? 4
    : 1;
}

/** WGSL of a read-only binding named `name` for an input. */
export function declareInput(
  input: Spec,
  out: Spec,
  { name, binding, width }: { name: string; binding: number; width: 1 | 4 },
): string {
  const reading = broadcastKindOf(input, out);
  const type = reading === "key"
    ? "vec2<u32>"
    : reading === "scalar"
    ? "f32"
    : reading === "row"
    ? "array<f32>"
    : width === 4
    ? "array<vec4<f32>>"
    : "array<f32>";
  return `@group(0) @binding(${binding}) var<storage, read> ${name}: ${type};\n`;
}

/** WGSL that loads an input for element (or vec4) `at` of the output. */
export function readInput(
  input: Spec,
  out: Spec,
  { name, at, width }: { name: string; at: string; width: 1 | 4 },
): string {
  switch (broadcastKindOf(input, out)) {
    case "key":
      return name;
    case "scalar":
      return width === 4 ? `vec4<f32>(${name})` : name;
    case "full":
      return `${name}[${at}]`;
    case "row": {
      const value = `${name}[(${at}) / ${out.shape.at(-1) as number / width}u]`;
      return width === 4 ? `vec4<f32>(${value})` : value;
    }
    default:
      return `${name}[(${at}) % ${sizeOf(input.shape) / width}u]`;
  }
}

/** Bindings of an elementwise call; a donated input is bound once, as the output. */
export function bindingsOf(
  { inputs, outputs }: Io<Spec>,
  donated: readonly (number | undefined)[] = [],
): Binding[] {
  return [
    ...inputs.map((_, input) => ({ input })).filter(({ input }) => !donated.includes(input)),
    ...outputs.map((_, output) => ({ output })),
  ];
}

/** Cost of an elementwise call, estimated as eight operations per element and output. */
export function elementwiseCost({ inputs, outputs }: Io<Spec>): Cost {
  const n = sizeOf(outputs[0]?.shape ?? []);
  const bytes = [...inputs, ...outputs].reduce((sum, s) => sum + 4 * sizeOf(s.shape), 0);
  return { flops: n * 8 * outputs.length, bytes, terms: 64 };
}

/** WGSL functions that a formula needs: the random generator, if it draws masks. */
export function preludeOf(formula: Formula): string {
  return keyInputs(formula).size > 0 ? THREEFRY : "";
}
