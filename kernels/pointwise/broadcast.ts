/**
 * How elementwise inputs meet a result of `n` elements: in full, repeated along leading axes
 * (a bias over rows), as one scalar, or as a u32 key pair. Knows no op.
 */
import { sizeOf } from "../../src/base/shape.ts";
import type { Formula } from "../../src/graph/formula.ts";
import { keyInputs } from "../../src/graph/formula.ts";
import type { Binding, Cost, Io, Spec } from "../../src/graph/types.ts";
import { THREEFRY } from "../../src/graph/wgsl.ts";

/** How an input is read. */
export type BroadcastKind = "full" | "suffix" | "scalar" | "key";

/** How `input` is read for a result of shape `out`, or undefined when it does not fit. */
export function broadcastKindOf(input: Spec, out: Spec): BroadcastKind | undefined {
  if (input.dtype === "u32") return sizeOf(input.shape) === 2 ? "key" : undefined;
  const n = sizeOf(input.shape);
  if (n === sizeOf(out.shape)) return "full";
  if (n === 1) return "scalar";
  const tail = out.shape.slice(out.shape.length - input.shape.length);
  return input.shape.length <= out.shape.length && tail.every((d, i) => d === input.shape[i])
    ? "suffix"
    : undefined;
}

/** Width in elements that one invocation can take: 4 when every reading allows it. */
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
    : width === 4
    ? "array<vec4<f32>>"
    : "array<f32>";
  return `@group(0) @binding(${binding}) var<storage, read> ${name}: ${type};\n`;
}

/** WGSL that reads an input at element (or vec4) number `at` of the result. */
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
    default:
      return `${name}[(${at}) % ${sizeOf(input.shape) / width}u]`;
  }
}

/** Bindings of an elementwise call: inputs that outputs take the place of are bound as these alone. */
export function bindingsOf(
  { inputs, outputs }: Io<Spec>,
  donated: readonly (number | undefined)[] = [],
): Binding[] {
  return [
    ...inputs.map((_, input) => ({ input })).filter(({ input }) => !donated.includes(input)),
    ...outputs.map((_, output) => ({ output })),
  ];
}

/** What an elementwise call of formulas costs: eight operations for each element of each output. */
export function elementwiseCost({ inputs, outputs }: Io<Spec>): Cost {
  const n = sizeOf(outputs[0]?.shape ?? []);
  const bytes = [...inputs, ...outputs].reduce((sum, s) => sum + 4 * sizeOf(s.shape), 0);
  return { flops: n * 8 * outputs.length, bytes, terms: 64 };
}

/** Functions that a formula's WGSL calls. */
export function preludeOf(formula: Formula): string {
  return keyInputs(formula).size > 0 ? THREEFRY : "";
}
