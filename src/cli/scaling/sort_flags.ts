/** Tells a command's own flags from the keys of a config beside them. Knows no command. */
import type { FlagSpec } from "../flags.ts";

/** Words that are flags of `known`, each with its value, and all others; both in order. */
export function sortFlags(
  args: readonly string[],
  known: readonly FlagSpec[],
): [own: string[], rest: string[]] {
  const own: string[] = [];
  const rest: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const word = args[i] as string;
    const [name] = word.split("=", 1);
    const flag = known.find((each) => `--${each.name}` === name);
    const help = word === "-h" || word === "--help";
    (flag !== undefined || help ? own : rest).push(word);
    const next = args[i + 1];
    if (flag === undefined || word !== name || next === undefined) continue;
    if (flag.kind === "boolean" && next !== "true" && next !== "false") continue;
    own.push(next);
    i++;
  }
  return [own, rest];
}
