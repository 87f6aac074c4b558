/** Pipes of a shell where commands take files: stdin, `<(...)`, and a named pipe that stays silent. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { openPrepared } from "../../src/data/prepared/open.ts";
import { Desk, someText } from "../prepare/fixture.ts";
import { startCommand } from "./command.ts";
import { taskWords, withoutStatus } from "./support.ts";

/** A table that `scaling` fits. */
const TABLE = "\ufeff" + [
  "params,tokens,loss",
  ...[1e5, 3e5, 1e6, 3e6].flatMap((n) =>
    [1e6, 3e6, 1e7].map((d) => `${n},${d},${1.7 + 400 / n ** 0.34 + 400 / d ** 0.28}`)
  ),
].join("\n");

/** Runs a line of a shell in which "$@" is the command of a task. */
async function shell(desk: Desk, task: string, line: string): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command("bash", {
    args: ["-c", line, "bash", Deno.execPath(), ...taskWords(task)],
    cwd: desk.path,
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  assertEquals([code, withoutStatus(text(stderr))], [0, ""], line);
  return text(stdout);
}

Deno.test("prepare takes a pipe of a shell and stdin as it takes a file", async () => {
  using desk = new Desk();
  desk.write("a.txt", someText(200));
  const { index } = await desk.prepare(["a.txt"], { out: "file" });
  const lines = {
    substituted: '"$@" <(cat a.txt) --out=substituted',
    again: '"$@" <(cat a.txt) --out=substituted',
    piped: 'cat a.txt | "$@" - --out=piped',
    redirected: '"$@" /dev/stdin --out=redirected < a.txt',
    packed: '"$@" <(gzip -c a.txt) --out=packed',
  };
  for (const [name, line] of Object.entries(lines)) {
    const said = await shell(desk, "prepare", line);
    assertStringIncludes(said, name === "again" ? "Nothing to do" : "Prepared in");
    const out = name === "again" ? "substituted" : name;
    assertEquals(openPrepared(desk.of(out)).hash, index?.hash, line);
  }
});

Deno.test("scaling fits a table with a mark that comes out of a pipe", async () => {
  using desk = new Desk();
  desk.write("t.csv", TABLE);
  const said = await shell(desk, "scaling", '"$@" out --csv=<(cat t.csv) --bootstrap=200');
  assertStringIncludes(said, "12 trials");
});

Deno.test("Ctrl-C ends a preparation that waits for a pipe", async () => {
  using desk = new Desk();
  desk.pipe("silent.jsonl");
  const child = startCommand("prepare", ["silent.jsonl", "--out=out"], { cwd: desk.path });
  let stdout = "";
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
    stdout += chunk;
    if (stdout.includes("Keeping what comes out of silent.jsonl")) child.kill("SIGINT");
  }
  assertEquals((await child.status).code, 130);
  assert(stdout.includes("Stopped: "), stdout);
  await child.stderr.cancel();
});
