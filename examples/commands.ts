/** The commands that a README shows, as they are run. Pure: starts nothing. */
import { UserError } from "../src/base/user_error.ts";

/** Lines of the first block of shell commands in a README, each one command. */
export function commandsOf(readme: string): string[] {
  const [, block] = /^```sh\n([^]*?)^```$/m.exec(readme) ?? [];
  if (block === undefined) throw new TypeError("Cannot read a README: need a block of sh: none");
  return block.replaceAll("\\\n", " ").split("\n").filter((line) => line.trim() !== "");
}

/** Words of a command as a shell takes them apart, with quotes and without any other trick. */
export function wordsOf(command: string): string[] {
  const words = command.match(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g) ?? [];
  return words.map((word) => word.replaceAll(/"([^"]*)"|'([^']*)'/g, "$1$2"));
}

/** What is different from what the README says. */
export interface Changes {
  /** Folder in place of `runs/NAME`. */
  readonly out: string | undefined;
  /** Whether to do little of everything: to see that it runs, not to learn. */
  readonly quick: boolean;
}

/** What little means, by a word of the command that it is added to. */
const LITTLE: Readonly<Record<string, readonly string[]>> = {
  "train": ["--steps=160", "--micro_batch_size=2", "--eval.windows=16", "--checkpoint.every=160"],
  "make.ts": ["--documents=3000"],
  "score.ts": ["--prompts=16"],
};

/** The words of a command of the example `name`, changed. */
export function changed(
  words: readonly string[],
  { name, out, quick }: Changes & { readonly name: string },
): string[] {
  const moved = words.map((word) =>
    out === undefined
      ? word
      : word.replace(new RegExp(`(^|=)runs/${name}(?=/|$)`), (_, before) => before + out)
  );
  const more = Object.entries(LITTLE)
    .flatMap(([of, flags]) => words.some((w) => w === of || w.endsWith("/" + of)) ? flags : []);
  return quick ? [...moved, ...more] : moved;
}

/** A command as people can paste it into a shell. */
export function shown(words: readonly string[]): string {
  return words.map((word) =>
    /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
  ).join(" ");
}

/** The name of an example. @throws {UserError} `config` for one that there is not. */
export function nameIn(known: readonly string[], given: readonly string[]): string {
  const [name = "none"] = given;
  if (given.length === 1 && known.includes(name)) return name;
  throw new UserError(
    "config",
    `Cannot run an example: need one of ${known.join(", ")}: ${given.join(" ") || "none"}`,
  );
}
