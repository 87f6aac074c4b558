/** Parses the budget of a sweep call. Pure. */
import { UserError } from "../base/user_error.ts";

/** Limits of a call; Infinity: no limit. */
export interface Bounds {
  readonly seconds: number;
  readonly flops: number;
}

const SECONDS: Readonly<Record<string, number>> = { "": 1, s: 1, m: 60, h: 3600, d: 86_400 };

/** Reads texts such as `90`, `20m`, `1.5h` and `1e15flop`; the smallest of each kind applies. */
export function boundsOf(texts: readonly string[]): Bounds {
  let bounds: Bounds = { seconds: Infinity, flops: Infinity };
  for (const text of texts) {
    const [, digits, unit = ""] = /^([\d.]+(?:e[+-]?\d+)?) ?([a-z]*)$/i.exec(text) ?? [];
    const value = Number(digits);
    const seconds = SECONDS[unit.toLowerCase()];
    const isFlop = /^flops?$/i.test(unit);
    if (!(value > 0) || !Number.isFinite(value) || (seconds === undefined && !isFlop)) {
      throw new UserError(
        "config",
        `Cannot take --budget: need seconds or FLOP, as in 90, 20m, 1.5h or 1e15flop: ${text}`,
      );
    }
    bounds = isFlop
      ? { ...bounds, flops: Math.min(bounds.flops, value) }
      : { ...bounds, seconds: Math.min(bounds.seconds, value * (seconds as number)) };
  }
  return bounds;
}
