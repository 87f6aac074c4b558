/** Pipes are read like files, once, and waiting is announced. */
import { assertEquals, assertRejects } from "@std/assert";
import { UserError } from "../../src/base/user_error.ts";
import { measurer } from "../../src/cli/sweep/measure.ts";
import { loadConfig } from "../../src/config/load.ts";
import { anchored } from "../../src/config/paths.ts";
import { resolveConfig } from "../../src/config/resolve.ts";
import { isPipe, pipeChunks } from "../../src/data/pipe.ts";
import { readText, readTokenizerFile } from "../../src/data/read.ts";
import { Desk } from "../prepare/fixture.ts";

const CONFIG = '\ufeff{"steps": 3}';

const READERS: Readonly<
  Record<string, { read: (path: string) => Promise<unknown>; text: string; want: unknown }>
> = {
  "a text": { read: readText, text: "\ufeffwhale\n", want: "whale\n" },
  "a text of a megabyte": {
    read: async (path) => (await readText(path)).length,
    text: "whale\n".repeat(400_000),
    want: 2_400_000,
  },
  "a tokenizer.json": {
    read: async (path) => (await readTokenizerFile(path)).json,
    text: CONFIG,
    want: { steps: 3 },
  },
  "a config": { read: loadConfig, text: CONFIG, want: { steps: 3 } },
};

for (const [name, { read, text, want }] of Object.entries(READERS)) {
  Deno.test(`${name} may come out of a pipe`, async () => {
    using desk = new Desk();
    const path = desk.pipe("pipe");
    assertEquals(await isPipe(path), true);
    const [got] = await Promise.all([read(path), Deno.writeTextFile(path, text)]);
    assertEquals(got, want);
  });
}

Deno.test("a config in JSON may begin with a byte order mark, one in UTF-16 is refused", async () => {
  using desk = new Desk();
  assertEquals(await loadConfig(desk.write("a.json", CONFIG)), { steps: 3 });
  const wide = Uint8Array.from(CONFIG, (c) => c.charCodeAt(0) & 255);
  const path = desk.write("b.json", new Uint8Array([0xff, 0xfe, ...wide]));
  const { exit } = await assertRejects(() => loadConfig(path), UserError, "it is UTF-16");
  assertEquals(exit, "config");
});

Deno.test("what is no text is refused from a pipe as well", async () => {
  using desk = new Desk();
  const path = desk.pipe("pipe");
  const text = "%PDF-1.7";
  const [error] = await Promise.all([
    assertRejects(() => readText(path), UserError, "it is a PDF document"),
    Deno.writeTextFile(path, text),
  ]);
  assertEquals(error.exit, "data");
});

Deno.test("a pipe that nobody writes to is mentioned once, and a stop ends the wait", async () => {
  using desk = new Desk();
  const path = desk.pipe("pipe");
  const said: string[] = [];
  const stop = new AbortController();
  const say = (text: string) => {
    said.push(text);
    stop.abort();
  };
  const chunks = pipeChunks(path, { say, stop: stop.signal, patience: 20 });
  assertEquals(await Array.fromAsync(chunks), []);
  assertEquals(said, [`Waiting for ${path}: nobody has written to it yet`]);
  // Releases the blocked open().
  await Deno.writeTextFile(path, "");
});

Deno.test("stdin as data lies in no folder, whoever calls", () => {
  for (const path of ["-", "/dev/stdin", "/dev/fd/63"]) {
    assertEquals(anchored({ data: { path } }, "/here"), { data: { path } });
  }
  assertEquals(anchored({ data: { path: "./-" } }, "/here"), { data: { path: "/here/-" } });
});

Deno.test("a sweep refuses a pipe, which its trials could not read again", async () => {
  using desk = new Desk();
  const config = resolveConfig({ data: { path: desk.pipe("pipe") } });
  const refused = () => Promise.resolve(measurer().measure(config));
  await assertRejects(refused, UserError, "is a pipe, which is read once");
});
