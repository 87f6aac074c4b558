/** The command `prepare` in processes of its own, as a user runs it. */
import { assert, assertEquals } from "@std/assert";
import { contents, Desk, jsonLines, someText } from "../prepare/fixture.ts";
import { taskWords, withoutStatus } from "./support.ts";

function start(desk: Desk, args: readonly string[]): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: [...taskWords("prepare"), ...args],
    cwd: desk.path,
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** How a call ended: its exit code and what it said. */
async function run(
  desk: Desk,
  ...args: readonly string[]
): Promise<{ code: number; stdout: string; stderr: string }> {
  const { code, stdout, stderr } = await start(desk, args).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: withoutStatus(text(stderr)) };
}

/** Waits until a file is there. */
async function appears(path: string): Promise<void> {
  for (let i = 0; i < 2000; i++) {
    if (await Deno.stat(path).then(() => true, () => false)) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert(false, `${path} does not appear`);
}

Deno.test("prepare: from a text to tokens, again, and checked", async () => {
  using desk = new Desk();
  desk.write("my text.txt", someText(2000));
  const first = await run(desk, "my text.txt", "--out=my tokens");
  assertEquals([first.code, first.stderr], [0, ""]);
  assert(
    /^Prepared in .* [kM]B\/s\n.* tokens of 1 file by char, vocabulary \d+/.test(first.stdout),
  );
  assert(first.stdout.endsWith("To train on it: deno task train --data='my tokens'\n"));
  const again = await run(desk, "my text.txt", "--out", "my tokens", "--tokenizer=char");
  assertEquals([again.code, again.stderr], [0, ""]);
  assert(again.stdout.startsWith("Nothing to do: my tokens holds these files already\n"));
  const check = await run(desk, "--check", "my tokens");
  assertEquals([check.code, check.stderr], [0, ""]);
  assert(/^my tokens: all \d+ blocks of 2 shards are good, \d+ tokens\n$/.test(check.stdout));
});

Deno.test("prepare: killed while it writes, it goes on to the same bytes", async () => {
  using desk = new Desk();
  desk.write("a.txt", someText(150_000));
  desk.write("b.jsonl", jsonLines(Array.from({ length: 200 }, (_, i) => someText(30, i + 1))));
  const words = ["*.txt", "b.jsonl", "--shard-tokens=100000"];
  assertEquals((await run(desk, ...words, "--out=whole")).code, 0);
  for (const shard of ["train-00000.tokens", "train-00005.tokens"]) {
    const child = start(desk, [...words, "--out=killed"]);
    await appears(desk.of(`killed/${shard}`));
    child.kill("SIGKILL");
    const { signal } = await child.output();
    assertEquals(signal, "SIGKILL");
    assert(!contents(desk.of("killed")).has("index.json"), "it was killed before its end");
  }
  const { code, stdout, stderr } = await run(desk, ...words, "--out=killed");
  assertEquals([code, stderr], [0, ""]);
  assert(/^Going on behind \d+ shards\n/.test(stdout), stdout);
  assertEquals(contents(desk.of("killed")), contents(desk.of("whole")));
});

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.test(`prepare: ${signal} stops it, and it says how to go on`, async () => {
    using desk = new Desk();
    // A signal that a busy machine delivers late must still find it at work.
    desk.write("a.txt", someText(900_000));
    const words = ["a.txt", "--shard-tokens=100000", "--out=out"];
    const child = start(desk, words);
    await appears(desk.of("out/train-00000.tokens"));
    child.kill("SIGSTOP"); // Takes effect at once, whatever the command does meanwhile.
    child.kill(signal);
    child.kill("SIGCONT");
    const { code, stdout } = await child.output();
    assertEquals(code, 130);
    assert(new TextDecoder().decode(stdout).includes("the same command goes on where it was"));
    assertEquals((await run(desk, ...words)).code, 0);
    assertEquals((await run(desk, "--check=out")).code, 0);
  });
}

Deno.test("prepare: what is bad is said in one line, with its exit code", async () => {
  using desk = new Desk();
  desk.write("a.txt", someText(100));
  desk.write("bad.txt", Uint8Array.of(0x61, 0xff));
  assertEquals((await run(desk, "a.txt", "--out=out")).code, 0);
  const shard = desk.of("out/train-00000.tokens");
  const bytes = Deno.readFileSync(shard);
  (bytes[200] as number) ^= 1;
  Deno.writeFileSync(shard, bytes);
  const refusals: readonly (readonly [readonly string[], number, string])[] = [
    [[], 64, "need text files"],
    [["a.txt"], 64, "--out=DIR"],
    [["a.txt", "--out=new", "--tokeniser=byte"], 64, "did you mean --tokenizer?"],
    [["a.txt", "--out=new", "--validation=1"], 64, "need a number in [0, 1): 1"],
    [["a.txt", "--out=new", "--tokenizer=letters"], 64, "letters"],
    [["a.txt", "--out=out", "--tokenizer=byte"], 64, "tokenizer char, not byte"],
    [["a.txt", "--check=out"], 64, "--check=DIR stands alone"],
    [["none.txt", "--out=new"], 66, "none.txt: need a text file: there is none"],
    [["bad.txt", "--out=new"], 65, "bad.txt: need UTF-8 text: byte 1 is not"],
    [["--check=none"], 66, "none: need a folder that prepare made"],
    [["--check=out"], 65, "train-00000.tokens: its block 0 (bytes 128 to "],
  ];
  for (const [args, exit, says] of refusals) {
    const { code, stdout, stderr } = await run(desk, ...args);
    assertEquals([code, stdout, stderr.split("\n").length], [exit, "", 2], args.join(" "));
    assert(stderr.startsWith("error: ") && stderr.includes(says), stderr);
  }
});

Deno.test("prepare --help shows every flag", async () => {
  using desk = new Desk();
  const { code, stdout } = await run(desk, "--help");
  assertEquals(code, 0);
  const flags = ["out", "tokenizer", "validation", "field", "ends", "document-end", "check"];
  for (const flag of flags) assert(stdout.includes(`--${flag}`), flag);
});
