/** Every command answers for itself: `--help` tells how it is called, what it does not know is refused. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { EXIT } from "../../src/base/user_error.ts";
import { VERSION } from "../../src/base/version.ts";
import { COMMANDS as ALL } from "../../src/cli/commands.ts";

const ROOT = new URL("../../", import.meta.url);

/** Runs a command's file as its task would, but with all permissions. */
async function run(file: string, ...args: string[]) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", "--no-check", "-A", file, ...args],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

/** Names of the commands that are programs of ours, each with its file. */
const COMMANDS = ALL.flatMap(({ name, runs }) => {
  const file = "entry" in runs ? runs.entry : /^deno run .* (\S+\.ts)$/.exec(runs.script)?.[1];
  return file === undefined ? [] : [[name, file] as const];
});

Deno.test("every command answers --help with its usage, and says its version, and refuses an unknown flag in one line", async (t) => {
  const others = ALL.map(({ name }) => name)
    .filter((name) => !COMMANDS.some(([known]) => known === name));
  assertEquals(others.sort(), ["check", "ok", "test:faults"]);
  for (const [name, file] of COMMANDS) {
    const [help, unknown, version] = await Promise.all([
      run(file, "--help"),
      run(file, "--nonesuch=1"),
      run(file, "--version"),
    ]);
    await t.step(name, () => {
      assertEquals([help.code, help.stderr], [0, ""]);
      assertMatch(help.stdout, new RegExp(`^Usage: deno task ${name}( |\\n)`));
      assertEquals([unknown.code, unknown.stdout], [EXIT.config, ""]);
      assertEquals(version, { code: 0, stdout: `shoal ${VERSION}\n`, stderr: "" });
      // Two or three calls as people make them stand in front of the flags.
      const examples = help.stdout.split("\n").filter((line) =>
        /^ {2}(?:\S.*)?deno task /.test(line)
      );
      assert(examples.length >= 2 && examples.length <= 3, help.stdout);
      assert(examples.every((line) => line.includes(`deno task ${name}`)), help.stdout);
      assertMatch(unknown.stderr, /^error: [^\n]*nonesuch[^\n]*\n$/);
    });
  }
});
