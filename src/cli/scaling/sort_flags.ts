/** Tells a command's own flags from the keys of a config beside them. Knows no command. */
import { flagNames, type FlagsSpec, isSwitch } from "../flags.ts";

/** Words that are flags of `spec`, each with its value, and all others; both in order. */
export function sortFlags(
  args: readonly string[],
  spec: FlagsSpec,
): [own: string[], rest: string[]] {
  const own: string[] = [];
  const rest: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const word = args[i] as string;
    const [name] = word.split("=", 1);
    const flag = flagNames(spec).find((each) => `--${each}` === name);
    const help = word === "-h" || word === "--help";
    (flag !== undefined || help ? own : rest).push(word);
    const next = args[i + 1];
    if (flag === undefined || word !== name || next === undefined) continue;
    if (isSwitch(spec, flag) && next !== "true" && next !== "false") continue;
    own.push(next);
    i++;
  }
  return [own, rest];
}
