/**
 * Which windows evaluate a part of a text, and which of their targets count: each target once. Pure:
 * knows positions, no tokens.
 */

/** How an evaluation is cut. */
export interface EvalShape {
  /** T. */
  readonly window: number;
  /** Tokens from one window to the next, in [1, T]: what a window asks anew. */
  readonly stride: number;
  /** Windows to evaluate, evenly spaced; 0 means all, to the last token. */
  readonly limit: number;
  /** Windows of T tokens and a target behind them alone: what is asked is asked of a whole window. */
  readonly whole?: boolean;
}

/** A window that begins at `start` and counts the targets of its positions in [from, to). */
export interface EvalWindow {
  readonly start: number;
  readonly from: number;
  readonly to: number;
}

/** The windows of an evaluation, by number. */
export interface EvalWindows {
  readonly count: number;
  at(index: number): EvalWindow;
}

/**
 * Windows over `n` tokens. The first counts all its targets, the others their last `stride`, so each
 * has at least T - stride tokens before it, or all there are. A last window that would reach past
 * the end begins earlier instead. A limit leaves whole windows out, the last one first. A part that
 * is shorter than a window is one window of what is there, whatever the limit.
 */
export function evalWindows(
  n: number,
  { window, stride, limit, whole: onlyWhole = false }: EvalShape,
): EvalWindows {
  // The first token is asked of nobody.
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
