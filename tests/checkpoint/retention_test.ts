import { assertEquals, assertThrows } from "@std/assert";
import { saveCheckpoint } from "../../src/checkpoint/commit.ts";
import { applyRetention, cleanLeftovers, toRemove } from "../../src/checkpoint/retention.ts";
import { draftOf, flipBit, names, TempFolder } from "./fixture.ts";

Deno.test("toRemove() gives all but the newest", () => {
  assertEquals(toRemove([3, 1, 10, 2], 2), [2, 1]);
  assertEquals(toRemove([3, 1], 2), []);
  assertEquals(toRemove([], 1), []);
});

Deno.test("toRemove() refuses to keep none", () => {
  for (const keep of [0, -1, 1.5, NaN]) {
    assertThrows(() => toRemove([1], keep), RangeError, "at least 1 must stay");
  }
});

Deno.test("applyRetention() keeps the newest and what is not a checkpoint", async () => {
  using temp = new TempFolder();
  for (const step of [1, 2, 3]) await saveCheckpoint(temp.path, draftOf(step));
  Deno.mkdirSync(`${temp.path}/notes`);
  assertEquals(await applyRetention(temp.path, 2), [1]);
  assertEquals(names(temp.path), ["notes", "step-00000002", "step-00000003"]);
  assertEquals(await applyRetention(temp.path, 2), []);
});

Deno.test("applyRetention() removes nothing while none of the newest verifies", async () => {
  using temp = new TempFolder();
  for (const step of [1, 2, 3]) await saveCheckpoint(temp.path, draftOf(step));
  for (const step of [2, 3]) {
    flipBit(`${temp.path}/step-0000000${step}/optimizer.safetensors`, { byte: -1 });
  }
  assertEquals(await applyRetention(temp.path, 2), []);
  assertEquals(names(temp.path), ["step-00000001", "step-00000002", "step-00000003"]);
  await saveCheckpoint(temp.path, draftOf(4));
  assertEquals(await applyRetention(temp.path, 2), [2, 1]);
});

Deno.test("cleanLeftovers() removes what is half written or half removed, and no more", async () => {
  using temp = new TempFolder();
  await saveCheckpoint(temp.path, draftOf(1));
  for (
    const name of [".tmp-step-00000002-a", ".trash-step-00000000-b", ".corrupt-step-00000003-c"]
  ) {
    Deno.mkdirSync(`${temp.path}/${name}`);
    Deno.writeTextFileSync(`${temp.path}/${name}/x`, "");
  }
  const removed = [".tmp-step-00000002-a", ".trash-step-00000000-b"];
  assertEquals(await cleanLeftovers(temp.path), removed);
  assertEquals(names(temp.path), [".corrupt-step-00000003-c", "step-00000001"]);
  assertEquals(await cleanLeftovers(`${temp.path}/nowhere`), []);
});
