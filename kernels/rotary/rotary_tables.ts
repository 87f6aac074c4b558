/**
 * Cosines and sines of rotary position embeddings: frequencies, and their scaling for contexts that
 * are longer than those of the training. They are computed on the host in f64, because sines of WGSL
 * differ between drivers and lose precision at large angles. C positions, r rotated columns.
 */
import type { Tensor, Trace } from "../../src/graph/types.ts";

/** How frequencies are changed to extend the context. */
export type RotaryScaling =
  /** Position interpolation: all frequencies are divided by `factor` (Chen et al. 2023). */
  | { readonly kind: "linear"; readonly factor: number }
  /**
   * Llama 3.1: frequencies of fewer than `lowFreqFactor` turns in the original `context` are divided
   * by `factor`, those of more than `highFreqFactor` are kept, and those between are interpolated.
   */
  | {
    readonly kind: "llama3";
    readonly factor: number;
    readonly lowFreqFactor: number;
    readonly highFreqFactor: number;
    readonly context: number;
  }
  /**
   * YaRN (Peng et al. 2023, sections 3.2 and 3.4): columns of more than `betaFast` turns (default
   * 32) in the original `context` are kept, those of fewer than `betaSlow` (default 1) are divided
   * by `factor`, with a linear ramp between. Cosines and sines are multiplied by `attentionFactor`,
   * default 0.1 ln(factor) + 1.
   */
  | {
    readonly kind: "yarn";
    readonly factor: number;
    readonly context: number;
    readonly betaFast?: number;
    readonly betaSlow?: number;
    readonly attentionFactor?: number;
  };

/** What the tables depend on. */
export interface RotaryFrequencies {
  /** r: rotated columns per head; even. */
  readonly rotated: number;
  /** Base of the frequencies; default: 10000. */
  readonly theta?: number | undefined;
  /** Default: none. */
  readonly scaling?: RotaryScaling | undefined;
}

/** Tables of a trace: f32 [C, r / 2] each. */
export interface RotaryTables {
  /** Cosines of the angles. */
  readonly cos: Tensor;
  /** Sines of the angles. */
  readonly sin: Tensor;
}

/**
 * Angles per position of the r / 2 pairs of columns: theta^(-2k / r) for pair k, then scaled (Su et
 * al. 2021, section 3.2.2).
 * @throws {RangeError} unless r is even and positive, theta above 1, and the scaling's numbers are
 * above 0.
 */
export function rotaryFrequencies(
  { rotated, theta = 10000, scaling }: RotaryFrequencies,
): Float64Array {
  if (!Number.isInteger(rotated) || rotated < 2 || rotated % 2 !== 0) {
    throw new RangeError(
      `Cannot make rotary tables: the rotated columns must be even and above 0: ${rotated}`,
    );
  }
  requireAbove("theta", theta, 1);
  const half = rotated / 2;
  const plain = Float64Array.from({ length: half }, (_, k) => theta ** (-k / half));
  if (scaling === undefined) return plain;
  for (const [name, value] of Object.entries(scaling)) {
    if (name !== "kind") requireAbove(name, value as number, 0);
  }
  const { factor } = scaling;
  switch (scaling.kind) {
    case "linear":
      return plain.map((frequency) => frequency / factor);
    case "llama3": {
      const { lowFreqFactor: low, highFreqFactor: high, context } = scaling;
      requireAbove("highFreqFactor", high, low);
      return plain.map((frequency) => {
        const turns = context * frequency / (2 * Math.PI);
        return interpolated(frequency, factor, (turns - low) / (high - low));
      });
    }
    case "yarn": {
      const { betaFast = 32, betaSlow = 1, context } = scaling;
      // The pair of columns that makes `turns` in the original context.
      const pairOf = (turns: number) =>
        half * Math.log(context / (turns * 2 * Math.PI)) / Math.log(theta);
      const first = Math.max(Math.floor(pairOf(betaFast)), 0);
      const last = Math.min(Math.ceil(pairOf(betaSlow)), rotated - 1);
      const span = last === first ? 0.001 : last - first;
      return plain.map((frequency, k) => interpolated(frequency, factor, 1 - (k - first) / span));
    }
  }
}

/** A frequency of which the share `kept`, between 0 and 1, is not divided by the factor. */
function interpolated(frequency: number, factor: number, kept: number): number {
  const share = Math.min(Math.max(kept, 0), 1);
  return share * frequency + (1 - share) * frequency / factor;
}

function requireAbove(name: string, value: number, least: number): void {
  if (value > least && value < Infinity) return;
  throw new RangeError(`Cannot make rotary tables: ${name} must be above ${least}: ${value}`);
}

/** Cosines and sines [positions, r / 2] of the positions from 0 on. @throws {RangeError} */
export function rotaryValues(
  positions: number,
  options: RotaryFrequencies,
): { cos: Float32Array; sin: Float32Array } {
  const frequencies = rotaryFrequencies(options);
  const { scaling } = options;
  const scale = scaling?.kind === "yarn"
    ? scaling.attentionFactor ?? 0.1 * Math.log(Math.max(scaling.factor, 1)) + 1
    : 1;
  const half = frequencies.length;
  const angle = (i: number) => Math.floor(i / half) * (frequencies[i % half] as number);
  const table = (of: (angle: number) => number) =>
    Float32Array.from({ length: positions * half }, (_, i) => scale * of(angle(i)));
  return { cos: table(Math.cos), sin: table(Math.sin) };
}

/**
 * The tables of `positions` positions as constants of a trace. All layers of a model can share them.
 * @throws {RangeError} as {@linkcode rotaryFrequencies}.
 */
export function rotaryTables(
  trace: Trace,
  positions: number,
  options: RotaryFrequencies,
): RotaryTables {
  const { cos, sin } = rotaryValues(positions, options);
  const shape = [positions, options.rotated / 2];
  return { cos: trace.constant(shape, cos), sin: trace.constant(shape, sin) };
}
