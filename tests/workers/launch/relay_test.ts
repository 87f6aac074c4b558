/** What workers write to their streams reaches ours as lines that are harmless. */
import { assert, assertEquals } from "@std/assert";
import type { ProcessEvent } from "../../../workers/launch/processes.ts";
import { relayLines } from "../../../workers/launch/lines.ts";
import { spawnWorkers } from "../../../workers/launch/spawn.ts";
import { heard } from "../../support/heard.ts";
import { assertHarmless } from "../../support/hostile.ts";

/** The lines that are relayed of a stream of these parts. */
async function relayed(parts: readonly (string | readonly number[])[]): Promise<string[]> {
  const lines: string[] = [];
  const encoder = new TextEncoder();
  await relayLines(
    ReadableStream.from(
      parts.map((part) => typeof part === "string" ? encoder.encode(part) : Uint8Array.from(part)),
    ),
    (line) => lines.push(line),
  );
  return lines;
}

Deno.test("relayLines() joins parts to lines, also within a character, and gives the last one", async () => {
  const [a, ...b] = new TextEncoder().encode("é");
  assertEquals(await relayed(["one\ntw", "o\n\nthr", [a as number], b, "e"]), [
    "one",
    "two",
    "",
    "thrée",
  ]);
  // Bytes of C1 that are no UTF-8 are no characters either.
  assertEquals(await relayed([[0x61, 0x9b, 0x62]]), ["a\ufffdb"]);
  assertEquals(await relayed([]), []);
});

Deno.test("relayLines() holds no endless line, and reads on when its callback fails", async () => {
  const lines = await relayed(Array.from({ length: 100 }, () => "x".repeat(1000)));
  assertEquals(lines.join("").length, 100_000);
  assert(lines.every((line) => line.length < 20_000));
  let calls = 0;
  await relayLines(ReadableStream.from([new TextEncoder().encode("a\nb\n")]), () => {
    calls++;
    throw new Error("the disk is full");
  });
  assertEquals(calls, 2);
});

Deno.test("what the runtime of a worker prints reaches the terminal without what steers", async () => {
  const place = Deno.makeTempDirSync({ prefix: "shoal-relay-" });
  const folder = `${place}/\u009b2J\u202e`;
  Deno.mkdirSync(folder);
  const before = { TMPDIR: Deno.env.get("TMPDIR"), DENO_AUDIT_PERMISSIONS: undefined };
  Deno.env.set("TMPDIR", folder);
  // The runtime tells of each permission with the path that it is for: only C0 is escaped there.
  Deno.env.set("DENO_AUDIT_PERMISSIONS", "/dev/stderr");
  try {
    const { text } = await heard(async () => {
      const joined = Promise.withResolvers<ProcessEvent>();
      const processes = await spawnWorkers({ workerIds: 1, workers: 1 }, joined.resolve);
      processes.spawn(0, 0);
      const event = await joined.promise;
      if (event.type === "joined") event.channel.close();
      await processes.close();
    });
    assert(text.includes("/\\u009b2J\\u202e/shoal-"), text);
    assertHarmless(text);
  } finally {
    for (const [name, value] of Object.entries(before)) {
      if (value === undefined) Deno.env.delete(name);
      else Deno.env.set(name, value);
    }
    Deno.removeSync(place, { recursive: true });
  }
});
