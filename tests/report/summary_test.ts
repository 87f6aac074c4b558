import { assertEquals, assertThrows } from "@std/assert";
import { writeJsonAtomic } from "../../src/report/atomic.ts";
import { summaryOf } from "../../src/report/summary.ts";
import { END, TempFolder } from "./fixture.ts";

const names = (path: string) => [...Deno.readDirSync(path)].map(({ name }) => name);

Deno.test("summaryOf() names its fields for programs", () => {
  assertEquals(END.type === "end" ? END.summary : undefined, {
    steps: 40,
    loss: 2.5,
    val_loss: 4.25,
    tokens: 2560,
    tokens_per_s: 32,
    exchange_share: null,
    exchange_hidden: null,
    params: 12_345,
    workers: 2,
    adapter: "reference",
    state_hash: "ab".repeat(32),
    seconds: 80.123,
  });
});

Deno.test("summaryOf() is null without an evaluation", () => {
  const zero = { steps: 0, loss: 0, tokens: 0, tokensPerS: 0, params: 0, workers: 1, seconds: 0 };
  assertEquals(summaryOf({ ...zero, adapter: "", stateHash: "" }).val_loss, null);
});

Deno.test("writeJsonAtomic() replaces a file and leaves no other", () => {
  using temp = new TempFolder();
  const path = `${temp.path}/summary.json`;
  writeJsonAtomic(path, { a: 1 });
  writeJsonAtomic(path, { a: [2] });
  assertEquals(Deno.readTextFileSync(path), '{\n  "a": [\n    2\n  ]\n}\n');
  assertEquals(names(temp.path), ["summary.json"]);
});

Deno.test("writeJsonAtomic() leaves everything as it was when it fails", () => {
  using temp = new TempFolder();
  const path = `${temp.path}/taken`;
  Deno.mkdirSync(`${path}/full`, { recursive: true });
  assertThrows(() => writeJsonAtomic(path, 1), Error);
  assertEquals(names(temp.path), ["taken"]);
  assertThrows(() => writeJsonAtomic(`${temp.path}/nowhere/x`, 1), Deno.errors.NotFound);
});
