/** What every refusal owes its user: one line, the right exit code, and nothing touched. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { EXIT, type ExitName } from "../../src/base/user_error.ts";
import { sha256 } from "../../src/base/hash.ts";
import type { Ended, Place } from "./support.ts";

/** A command line that is refused. */
export interface Refused {
  readonly args: readonly string[];
  readonly exit: ExitName;
  /** Texts that the line must hold. */
  readonly says: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs it, and checks that it is refused and leaves the place as it was. */
export async function assertRefused(place: Place, refused: Refused): Promise<void> {
  const before = contents(place.path);
  const ended = await place.run(refused.args, refused.env);
  assertOneLine(ended, refused);
  assertEquals(contents(place.path), before);
  place.assertQuiet();
}

/** Whether a process ended with one line on stderr and the exit code of a refusal. */
export function assertOneLine(ended: Ended, { exit, says }: Omit<Refused, "args">): void {
  assertMatch(ended.stderr, /^error: [^\n]+[^.\n]\n$/);
  for (const text of says) assertStringIncludes(ended.stderr, text);
  assertEquals(ended.code, EXIT[exit]);
}

/** Every path below a folder with a hash of what it holds; a lock names its last owner only. */
export function contents(root: string, below = ""): Record<string, string> {
  const found: Record<string, string> = {};
  for (const { name, isFile, isDirectory } of Deno.readDirSync(`${root}/${below}`)) {
    const path = below + name;
    if (isDirectory) Object.assign(found, { [path]: "folder" }, contents(root, path + "/"));
    else if (!isFile || name === ".lock") found[path] = isFile ? "lock" : "special";
    else found[path] = sha256(Deno.readFileSync(`${root}/${path}`));
  }
  return found;
}
