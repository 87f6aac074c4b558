/** Parses the commands of a README. Pure. */
import { UserError } from "../src/base/user_error.ts";

/** The commands in the first shell block of a README, one per line. */
export function commandsOf(readme: string): string[] {
  const [, block] = /^```sh\n([^]*?)^```$/m.exec(readme) ?? [];
  if (block === undefined) throw new TypeError("Cannot read a README: need a block of sh: none");
  return block.replaceAll("\\\n", " ").split("\n").filter((line) => line.trim() !== "");
}

/** Splits a command into words; handles quotes, no other shell syntax. */
export function wordsOf(command: string): string[] {
  const words = command.match(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g) ?? [];
  return words.map((word) => word.replaceAll(/"([^"]*)"|'([^']*)'/g, "$1$2"));
}

/** Changes to the README's commands. */
export interface Changes {
  /** Folder in place of `runs/NAME`. */
  readonly out: string | undefined;
  /** Whether to run few steps, as a smoke test. */
  readonly quick: boolean;
}

/** Flags of a quick run, by a word of the command. */
const QUICK_FLAGS: Readonly<Record<string, readonly string[]>> = {
  "train": ["--steps=160", "--micro_batch_size=2", "--eval.windows=16", "--checkpoint.every=160"],
  "make.ts": ["--documents=3000"],
  "score.ts": ["--prompts=16"],
};

/** Applies the changes to a command of the example `name`. */
export function changed(
  words: readonly string[],
  { name, out, quick }: Changes & { readonly name: string },
): string[] {
  const moved = words.map((word) =>
    out === undefined
      ? word
      : word.replace(new RegExp(`(^|=)runs/${name}(?=/|$)`), (_, before) => before + out)
  );
  const more = Object.entries(QUICK_FLAGS)
    .flatMap(([of, flags]) => words.some((w) => w === of || w.endsWith("/" + of)) ? flags : []);
  return quick ? [...moved, ...more] : moved;
}

/** A command quoted for a shell. */
export function shown(words: readonly string[]): string {
  return words.map((word) =>
    /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
  ).join(" ");
}

/** The name of an example. @throws {UserError} `config` for an unknown one. */
export function nameIn(known: readonly string[], given: readonly string[]): string {
  const [name = "none"] = given;
  if (given.length === 1 && known.includes(name)) return name;
  throw new UserError(
    "config",
    `Cannot run an example: need one of ${known.join(", ")}: ${given.join(" ") || "none"}`,
  );
}
