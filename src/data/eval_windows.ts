/**
 * Plans the windows that evaluate a text, and which of their targets count, so that each target
 * counts once. Pure.
 */

/** How to split an evaluation into windows. */
export interface EvalShape {
  /** Window length T. */
  readonly window: number;
  /** Tokens between window starts, in [1, T]: the targets that each window adds. */
  readonly stride: number;
  /** Windows to evaluate, evenly spaced; 0: all, up to the last token. */
  readonly limit: number;
  /** Only full windows: the target kind needs all T tokens. */
  readonly whole?: boolean;
}

/** A window at `start` whose targets count at positions [from, to). */
export interface EvalWindow {
  readonly start: number;
  readonly from: number;
  readonly to: number;
}

/** The windows of an evaluation, by index. */
export interface EvalWindows {
  readonly count: number;
  at(index: number): EvalWindow;
}

/**
 * Windows over `n` tokens. The first counts all its targets, the others their last `stride`, so
 * each target has at least T - stride tokens of context, or all there are. The last window is
 * shifted back to end with the text. A limit drops full windows, the shifted one first. A text
 * shorter than T is one short window, whatever the limit.
 */
export function evalWindows(
  n: number,
  { window, stride, limit, whole: onlyWhole = false }: EvalShape,
): EvalWindows {
  // The first token is no target.
  const targets = Math.max(0, n - 1);
  if (targets === 0) return { count: 0, at: outside };
  if (targets < window) {
    return onlyWhole
      ? { count: 0, at: outside }
      : { count: 1, at: () => ({ start: 0, from: 0, to: targets }) };
  }
  const whole = Math.floor((targets - window) / stride) + 1;
  const covered = window + (whole - 1) * stride;
  const at = (k: number): EvalWindow => ({
    start: k * stride,
    from: k === 0 ? 0 : window - stride,
    to: window,
  });
  if (limit > 0) {
    const taken = Math.min(limit, whole);
    return { count: taken, at: (j) => at(Math.floor(j * whole / taken)) };
  }
  const rest = targets - covered;
  if (rest === 0 || onlyWhole) return { count: whole, at };
  const last: EvalWindow = { start: targets - window, from: window - rest, to: window };
  return { count: whole + 1, at: (k) => k === whole ? last : at(k) };
}

function outside(index: number): never {
  throw new RangeError(`Cannot find an evaluation window: there is none: ${index}`);
}
