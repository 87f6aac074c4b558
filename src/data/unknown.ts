/** Counts unknown tokens of a text; the notice and the error about them. */
import { UserError } from "../base/user_error.ts";

/** Default maximum fraction of unknown tokens. */
export const MAX_UNKNOWN = 0.05;

/** Number of tokens, and of unknown ones among them. */
export interface Unknown {
  readonly unknown: number;
  readonly tokens: number;
}

/** Counts unknown tokens. */
export function countUnknown(
  tokens: Uint32Array,
  { unknown }: { readonly unknown: number | undefined },
): number {
  if (unknown === undefined) return 0;
  let count = 0;
  for (let i = 0; i < tokens.length; i++) if (tokens[i] === unknown) count++;
  return count;
}

/** The notice of unknown tokens; undefined if there are none. */
export function unknownNote(name: string, { unknown, tokens }: Unknown): string | undefined {
  if (unknown === 0) return undefined;
  return `${percent(unknown / tokens)} of ${name} is unknown to the tokenizer: ` +
    `${unknown} of ${tokens} tokens`;
}

/**
 * Checks the fraction of unknown tokens. @throws {UserError} `data`, with the option that accepts
 * it.
 */
export function requireKnown(
  name: string,
  { unknown, tokens, most, option }: Unknown & { readonly most: number; readonly option: string },
): void {
  if (unknown <= most * tokens) return;
  const share = unknown / tokens;
  throw new UserError(
    "data",
    `Cannot read ${name}: need at most ${percent(most)} unknown tokens: the tokenizer lacks ` +
      `${percent(share)} (${unknown} of ${tokens}); ${option}=${
        Math.ceil(100 * share) / 100
      } takes it`,
  );
}

/** `3.1 %`: two significant digits, so that a small fraction is not shown as 0. */
function percent(share: number): string {
  return `${Number((100 * share).toPrecision(2))} %`;
}
