/** How much of a text a tokenizer does not know, and what is said of it. */
import { UserError } from "../base/user_error.ts";

/** Largest share of unknown tokens that is accepted by default. */
export const MAX_UNKNOWN = 0.05;

/** Tokens, and how many of them stand for text that the tokenizer has no token for. */
export interface Unknown {
  readonly unknown: number;
  readonly tokens: number;
}

/** Counts the unknown among tokens. */
export function countUnknown(
  tokens: Uint32Array,
  { unknown }: { readonly unknown: number | undefined },
): number {
  if (unknown === undefined) return 0;
  let count = 0;
  for (let i = 0; i < tokens.length; i++) if (tokens[i] === unknown) count++;
  return count;
}

/** What is said of a text of which some is unknown; undefined where all is known. */
export function unknownNote(name: string, { unknown, tokens }: Unknown): string | undefined {
  if (unknown === 0) return undefined;
  return `${percent(unknown / tokens)} of ${name} is unknown to the tokenizer: ` +
    `${unknown} of ${tokens} tokens`;
}

/**
 * Holds a text to the share of unknown tokens that was asked for.
 * @throws {UserError} `data`, with the option that accepts it.
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

/** `3.1 %`: two digits are enough for people, and nothing that is there is shown as 0. */
function percent(share: number): string {
  return `${Number((100 * share).toPrecision(2))} %`;
}
