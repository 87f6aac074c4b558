/** Pipes as inputs of prepare, which reads its inputs twice: they are kept until it is done. */
import { assertEquals, assertRejects } from "@std/assert";
import { UserError } from "../../src/base/user_error.ts";
import { Desk, jsonLines } from "./fixture.ts";

Deno.test("prepare keeps what comes out of a pipe, and does nothing when the same comes again", async () => {
  using desk = new Desk();
  const lines = jsonLines(Array.from({ length: 60 }, (_, i) => `document ${i}`));
  desk.write("plain.jsonl", lines);
  const { index: plain } = await desk.prepare(["plain.jsonl"], { out: "plain" });
  const path = desk.pipe("pipe.jsonl");
  for (const ended of ["done", "nothing"]) {
    const [outcome] = await Promise.all([
      desk.prepare(["pipe.jsonl"]),
      Deno.writeTextFile(path, lines),
    ]);
    assertEquals([outcome.ended, outcome.index?.hash], [ended, plain?.hash]);
  }
  const [error] = await Promise.all([
    assertRejects(() => desk.prepare(["pipe.jsonl"]), UserError, "it was made of another"),
    Deno.writeTextFile(path, lines + jsonLines(["more"])),
  ]);
  assertEquals(error.exit, "config");
  const names = Array.from(Deno.readDirSync(desk.of("out")), ({ name }) => name);
  assertEquals(names.filter((name) => name.startsWith(".pipe")), []);
});

Deno.test("prepare goes on behind a pipe where it was killed", async () => {
  using desk = new Desk();
  const lines = jsonLines(Array.from({ length: 200 }, (_, i) => `document ${i} `.repeat(20)));
  const options = { shardTokens: 10_000 };
  desk.write("plain.jsonl", lines);
  const { index: plain } = await desk.prepare(["plain.jsonl"], { out: "plain", ...options });
  const path = desk.pipe("pipe.jsonl");
  let kept = 0;
  const at = (point: string) => {
    if (point === "keep progress" && ++kept === 3) throw new Error("killed");
  };
  await Promise.all([
    assertRejects(() => desk.prepare(["pipe.jsonl"], options, { at }), Error, "killed"),
    Deno.writeTextFile(path, lines),
  ]);
  const went: number[] = [];
  const [outcome] = await Promise.all([
    desk.prepare(["pipe.jsonl"], options, {
      show: (event) => event.type === "resume" && went.push(event.shards),
    }),
    Deno.writeTextFile(path, lines),
  ]);
  assertEquals([outcome.ended, outcome.index?.hash], ["done", plain?.hash]);
  assertEquals(went.length, 1);
});
