/** A checkpoint's state out of the parts that workers send: whole, or not at all. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { bytesOf } from "../../../src/base/hash.ts";
import { rootKey, threefry } from "../../../src/base/random.ts";
import { rangesOf } from "../../../src/reduce/assign.ts";
import { sliceOf } from "../../../src/reduce/slices.ts";
import { Collector } from "../../../workers/coordinator/collector.ts";
import type { Answer } from "../../../workers/group/link.ts";
import { shapeOf } from "../../../src/engine/plans.ts";
import type { NamedState } from "../../../src/engine/state.ts";
import { tinyRecurrent } from "../../support/recurrent.ts";
import { soon } from "../../transport/wire.ts";

type Part = Answer<"part" | "lane" | "saved">;

const CONFIG = tinyRecurrent({
  data: { bptt: 8 },
  model: { kind: "recurrent", cell: "lstm", layers: 2 },
});
const SHAPE = shapeOf(CONFIG, 12);
const WHOLE = { shape: SHAPE, config: CONFIG };
const VECTORS = ["param", "m", "v"];
const LANE = SHAPE.carries.reduce(
  (sum, { tensor }) => sum + tensor.shape.reduce((a, b) => a * b, 1),
  0,
);

/** Numbers that are no two alike, the same for the same name. */
function numbers(name: string, length: number): Float32Array {
  const first = 1000 * [...name].reduce((sum, c) => 31 * sum % 997 + c.charCodeAt(0), 0);
  return Float32Array.from({ length }, (_, i) => first + i / 8);
}

function answer(reply: Part["reply"], data: Float32Array = new Float32Array()): Part {
  return { reply, payload: bytesOf(data) };
}

/** What a rank sends that serves `counts[rank]` micro-batches, in buckets of at most `most`. */
function partsOf(counts: readonly number[], rank: number, most = 100): Part[] {
  const parts: Part[] = [];
  for (const vector of VECTORS) {
    for (const [bucket, size] of SHAPE.layout.buckets.entries()) {
      const { start, end } = sliceOf(size, counts.length, rank);
      const flat = numbers(`${vector}${bucket}`, size);
      for (let at = start; at < end; at += most) {
        const data = flat.slice(at, Math.min(end, at + most));
        parts.push(answer({ type: "part", vector, bucket, start: at }, data));
      }
    }
  }
  const { first, count } = rangesOf(counts)[rank] ?? { first: 0, count: 0 };
  for (let index = first; index < first + count; index++) {
    parts.push(answer({ type: "lane", index }, numbers(`lane${index}`, LANE)));
  }
  return parts;
}

/** The same in another order. */
function shuffled<T>(values: readonly T[], seed: number): T[] {
  return values.map((value, i) => ({ value, at: threefry(rootKey(seed), i, 0)[0] }))
    .sort((a, b) => a.at - b.at).map(({ value }) => value);
}

const SAVED = answer({ type: "saved" });

async function collect(counts: readonly number[], seed: number): Promise<NamedState | undefined> {
  const ids = counts.map((_, rank) => 10 + rank);
  const collector = new Collector(ids, WHOLE);
  const all = ids.flatMap((id, rank) => partsOf(counts, rank).map((part) => ({ id, part })));
  for (const { id, part } of seed === 0 ? all : shuffled(all, seed)) collector.take(id, part);
  for (const id of ids) collector.take(id, SAVED);
  return await soon(collector.state);
}

Deno.test("parts of one worker make up the state: parameters, moments, carried states", async () => {
  const state = await collect([4], 0);
  assert(state);
  const names = state.model.map(({ name }) => name);
  assert(names.length > 0);
  const carries = SHAPE.carries.map(({ name }) => `carry.${name}`);
  assertEquals(
    state.optimizer.map(({ name }) => name),
    [...["m.", "v."].flatMap((m) => names.map((name) => m + name)), ...carries],
  );
  const first = state.optimizer.find(({ name }) => name === carries[0]);
  const [{ shape } = { shape: [0] }] = SHAPE.carries.map(({ tensor }) => tensor);
  assertEquals(first?.shape, [4 * (shape[0] as number), ...shape.slice(1)]);
  const size = shape.reduce((a, b) => a * b, 1);
  for (let index = 0; index < 4; index++) {
    assertEquals(
      first?.data.slice(index * size, (index + 1) * size),
      numbers(`lane${index}`, LANE).slice(0, size),
    );
  }
});

Deno.test("parts of several workers make up the same state, whatever order they come in", async () => {
  const whole = await collect([4], 0);
  for (const counts of [[2, 2], [3, 1], [2, 1, 1], [1, 1, 1, 1]]) {
    for (const seed of [0, 1, 2, 3]) assertEquals(await collect(counts, seed), whole);
  }
});

Deno.test("a state is whole only when each worker has said that it sent all", async () => {
  const collector = new Collector([4, 9], WHOLE);
  let isDone = false;
  const done = collector.state.then((state) => {
    isDone = true;
    return state;
  });
  for (const part of partsOf([2, 2], 0)) collector.take(4, part);
  collector.take(4, SAVED);
  collector.take(4, SAVED);
  for (const part of partsOf([2, 2], 1)) collector.take(9, part);
  await new Promise((resolve) => setTimeout(resolve, 0));
  assertEquals(isDone, false);
  collector.take(9, SAVED);
  assertEquals(await soon(done), await collect([4], 0));
});

Deno.test("parts of workers that are not collected from are ignored", async () => {
  const collector = new Collector([1], WHOLE);
  for (const part of partsOf([4], 0)) {
    collector.take(2, part);
    collector.take(1, part);
  }
  collector.take(2, SAVED);
  collector.take(1, SAVED);
  for (const part of partsOf([4], 0)) collector.take(1, part);
  assertEquals(await soon(collector.state), await collect([4], 0));
});

Deno.test("a state of which some will never come is none, and stays none", async () => {
  const collector = new Collector([1, 2], WHOLE);
  for (const part of partsOf([2, 2], 0)) collector.take(1, part);
  collector.take(1, SAVED);
  collector.drop();
  assertEquals(await soon(collector.state), undefined);
  for (const part of partsOf([2, 2], 1)) collector.take(2, part);
  collector.take(2, SAVED);
  collector.drop();
  assertEquals(await soon(collector.state), undefined);
});

Deno.test("dropping a state that is whole already takes nothing back", async () => {
  const collector = new Collector([1], WHOLE);
  for (const part of partsOf([4], 0)) collector.take(1, part);
  collector.take(1, SAVED);
  collector.drop();
  assertEquals(await soon(collector.state), await collect([4], 0));
});

Deno.test("a part that is missing or came twice is an error, and no state", async () => {
  const all = partsOf([4], 0);
  const isLane = ({ reply }: Part) => reply.type === "lane";
  const wrong = {
    "no slice of m": all.filter(({ reply }) => reply.type !== "part" || reply.vector !== "m"),
    "a hole": all.slice(1),
    "a slice twice": [...all, all[0] as Part],
    "no lane of the last": all.slice(0, -1),
    "no lane": all.filter((part) => !isLane(part)),
    "a lane too many": [...all, all.find(isLane) as Part],
  };
  for (const parts of Object.values(wrong)) {
    const collector = new Collector([1], WHOLE);
    const failing = assertRejects(() => collector.state, RangeError, "Cannot merge");
    for (const part of parts) collector.take(1, part);
    collector.take(1, SAVED);
    await soon(failing);
  }
});
