/** Splits a command line into flags and other words, each as it was written. */
import { parseArgs } from "@std/cli/parse-args";

/** A word of a command line, or a flag with its value. */
export type Word =
  | { readonly kind: "word"; readonly text: string }
  | {
    readonly kind: "flag";
    /** As written, the value behind `=` included. */
    readonly written: string;
    /** Without dashes and value; the letter of a flag with one dash. */
    readonly name: string;
    readonly value: string | undefined;
  };

/**
 * The words of `args`. `takes` says whether a flag without `=` takes the word behind it as its
 * value: only the caller knows that `--top-p 0.5` has one and `--json a.txt` has none.
 */
export function splitWords(
  args: readonly string[],
  takes: (flag: string, next: string) => boolean,
): Word[] {
  const joined = joinValues(args, takes);
  const { tokens } = parseArgs({
    args: joined,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const words = new Map<number, Word>();
  for (const token of tokens) {
    // A word of one dash and several letters gives a token for each letter.
    if (words.has(token.index)) continue;
    if (token.kind === "positional") words.set(token.index, { kind: "word", text: token.value });
    if (token.kind !== "option") continue;
    const written = joined[token.index] as string;
    words.set(token.index, { kind: "flag", written, name: token.name, value: token.value });
  }
  return [...words.values()];
}

/** `args` with each flag's value behind a `=`. */
function joinValues(
  args: readonly string[],
  takes: (flag: string, next: string) => boolean,
): string[] {
  const words: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const word = args[i] as string;
    if (word === "--") return [...words, ...args.slice(i)];
    const next = args[i + 1];
    const isOpen = word.startsWith("--") && !word.includes("=");
    if (isOpen && next !== undefined && takes(word, next)) {
      words.push(`${word}=${next}`);
      i++;
    } else words.push(word);
  }
  return words;
}
