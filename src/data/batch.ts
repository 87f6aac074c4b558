/**
 * Shuffles windows and gathers their tokens. The order is a pure function of the key and a window's
 * position, so it needs no cursor and does not depend on workers. Legend: B windows a micro-batch,
 * T tokens a window.
 */
import { IGNORE } from "../base/ignore.ts";
import { fold, type Key } from "../base/random.ts";
import { permute } from "./permutation.ts";
import type { EvalWindow } from "./eval_windows.ts";
import type { TokenBatch, TokenData } from "./source.ts";
import type { Tokens } from "./tokens.ts";

/**
 * The window in [0, count) at position `g` in [0, 2^53) of the shuffled order. Every epoch visits
 * each window once, in an order of its own. @throws {RangeError} for other arguments.
 */
export function windowOf(key: Key, g: number, count: number): number {
  if (!Number.isSafeInteger(g) || g < 0 || count < 1) {
    throw new RangeError(
      `Cannot place a window: need a position below 2^53 and at least one window: position ${g}, ${count} windows`,
    );
  }
  return permute(epochKey(key, Math.floor(g / count)), count, g % count);
}

function epochKey(key: Key, epoch: number): Key {
  return fold(fold(key, epoch >>> 0), Math.floor(epoch / 2 ** 32));
}

/** The place of a window in a text. */
export interface WindowAt {
  readonly tokens: Tokens;
  /** Position of its first token. */
  readonly start: number;
}

/** Gathers windows of T = `window` tokens; each target is the token after. */
export function gatherBatch(windows: readonly WindowAt[], window: number): TokenData {
  const whole = windows.map((at) => ({ ...at, from: 0, to: window }));
  return gatherPadded(whole, { window, windows: windows.length }).tensors;
}

/**
 * Gathers windows whose targets count at positions [from, to); other targets are IGNORE. Pads to B
 * = `windows` rows with tokens 0. Tokens beyond `to` are not read.
 */
export function gatherPadded(
  all: readonly (WindowAt & EvalWindow)[],
  { window, windows }: { readonly window: number; readonly windows: number },
): Omit<TokenBatch, "fresh"> {
  if (all.length > windows) {
    throw new RangeError(`Cannot gather windows: need at most ${windows}: ${all.length}`);
  }
  const ids = new Uint32Array(windows * window);
  const targets = new Uint32Array(windows * window).fill(IGNORE);
  const own = new Uint32Array(window + 1);
  let counted = 0;
  all.forEach(({ tokens, start, from, to }, row) => {
    if (start + to >= tokens.length) {
      throw new RangeError(
        `Cannot gather a window: need ${start + to + 1} tokens: there are ${tokens.length}`,
      );
    }
    tokens.read(start, own.subarray(0, to + 1));
    ids.set(own.subarray(0, to), row * window);
    targets.set(own.subarray(from + 1, to + 1), row * window + from);
    counted += to - from;
  });
  return { tensors: { tokens: ids, targets }, counted };
}
