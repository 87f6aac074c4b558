/**
 * Rotary position embeddings: rotates pairs of columns of queries and keys by angles that grow with
 * the position, so that scores depend on distances. B batch, T tokens, W columns, d width of a head,
 * r rotated columns of it, C positions in the tables. Source: Su et al., "RoFormer" (2021), section
 * 3.2.2.
 */
import { sizeOf } from "../../src/base/shape.ts";
import { apply } from "../../src/graph/trace.ts";
import type { Grad, Io, Op, Spec, Tensor, View } from "../../src/graph/types.ts";
import type { Heads } from "../attention/heads.ts";
import { rotaryCases } from "./rotary_cases.ts";
import type { RotaryAttrs, RotaryPairing } from "./rotary_sizes.ts";
import { rotarySizes } from "./rotary_sizes.ts";
import type { RotaryTables } from "./rotary_tables.ts";
import { rotaryKernel } from "./rotary_wasm.ts";
import { rotaryLaunch } from "./rotary_wgsl.ts";

/** Options of {@linkcode rotary}. */
export interface RotaryOptions extends RotaryTables {
  /** Default: halves. */
  readonly pairing?: RotaryPairing | undefined;
  /** u32 [T], below C: positions of the tokens; default: 0 to T - 1. */
  readonly positions?: Tensor | undefined;
}

/**
 * Rotates the heads of x f32 [B, T, W] by the tables `cos` and `sin` f32 [C, r / 2]; returns
 * [B, T, W] with all other columns copied: those of other heads, and the last d - r of each head
 * (partial rotation).
 * @throws {RangeError} when r exceeds d, or a shape does not fit.
 */
export function rotary(
  x: Heads,
  { cos, sin, pairing = "halves", positions }: RotaryOptions,
): Tensor {
  const { of, first, heads, width } = x;
  const attrs: RotaryAttrs = { heads: { first, heads, width }, pairing };
  return apply(rotaryOp, [of, cos, sin, ...positions === undefined ? [] : [positions]], attrs);
}

/** The first column of pair k of a head, and the distance to the second. */
function pairOf(k: number, pairing: RotaryPairing, half: number): readonly [number, number] {
  return pairing === "halves" ? [k, half] : [2 * k, 1];
}

function rotaryReference(
  { inputs, outputs }: Io<View>,
  attrs: RotaryAttrs,
): void {
  const [x, cos, sin, positions] = inputs as [View, View, View, View?];
  const { tokens, time, columns, half } = rotarySizes(inputs, attrs);
  const { heads: { first, heads, width }, pairing, inverse } = attrs;
  const y = (outputs[0] as View).data;
  y.set(x.data);
  for (let token = 0; token < tokens; token++) {
    const position = positions?.data[token % time] ?? token % time;
    for (let h = 0; h < heads; h++) {
      for (let k = 0; k < half; k++) {
        const [column, apart] = pairOf(k, pairing, half);
        const at = token * columns + first + h * width + column;
        const [a, b] = [x.data[at] as number, x.data[at + apart] as number];
        const c = cos.data[position * half + k] as number;
        const s = (inverse ? -1 : 1) * (sin.data[position * half + k] as number);
        y[at] = a * c - b * s;
        y[at + apart] = b * c + a * s;
      }
    }
  }
}

function vjp({ inputs }: Io<Tensor>, [dy]: readonly Grad[], attrs: RotaryAttrs): Grad[] {
  if (dy === undefined) return [];
  const { inverse, ...others } = attrs;
  const turned = inverse ? others : { ...others, inverse: true };
  const [, ...tables] = inputs;
  return [apply(rotaryOp, [dy, ...tables], turned), ...tables.map(() => undefined)];
}

/** The op behind {@linkcode rotary}: inputs x, cos, sin, positions?; output: y. */
export const rotaryOp: Op = {
  name: "rotary",
  shape(inputs, attrs: RotaryAttrs) {
    rotarySizes(inputs, attrs);
    return [inputs[0] as Spec];
  },
  launch: ({ inputs }, attrs: RotaryAttrs, target) => [
    rotaryLaunch({ ...rotarySizes(inputs, attrs), attrs, isPlaced: inputs.length > 3 }, target),
  ],
  wasm: (io, attrs: RotaryAttrs) => rotaryKernel(io, attrs),
  reference: rotaryReference,
  cost({ inputs }, attrs: RotaryAttrs) {
    const { tokens, time, half } = rotarySizes(inputs, attrs);
    const bytes = 8 * sizeOf(inputs[0]?.shape ?? []) + 8 * time * half;
    return { flops: 6 * tokens * attrs.heads.heads * half, bytes, terms: 2 };
  },
  vjp,
  cases: rotaryCases(),
};
