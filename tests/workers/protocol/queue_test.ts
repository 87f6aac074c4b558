/** Values in order, whenever each side is ready, and the error that ends the waiting. */
import { assertEquals, assertRejects } from "@std/assert";
import { Queue } from "../../../workers/protocol/queue.ts";
import { soon } from "../../transport/wire.ts";

Deno.test("a queue gives what it was given, in order", async () => {
  const queue = new Queue<number | undefined>();
  for (const value of [1, undefined, 3]) queue.push(value);
  assertEquals([await queue.next(), await queue.next(), await queue.next()], [1, undefined, 3]);
});

Deno.test("a queue's taker waits until there is something", async () => {
  const queue = new Queue<string>();
  let taken = "";
  const taking = queue.next().then((value) => taken = value);
  await Promise.resolve();
  assertEquals(taken, "");
  queue.push("late");
  assertEquals(await soon(taking), "late");
});

Deno.test("a queue takes turns with its taker any number of times", async () => {
  const queue = new Queue<number>();
  const taken = (async () => {
    const values = [];
    for (let i = 0; i < 100; i++) values.push(await queue.next());
    return values;
  })();
  for (let i = 0; i < 100; i++) {
    queue.push(i);
    if (i % 3 === 0) await new Promise((resolve) => setTimeout(resolve, 0));
  }
  assertEquals(await soon(taken), Array.from({ length: 100 }, (_, i) => i));
});

Deno.test("fail() ends the waiting, and whatever is taken later", async () => {
  const queue = new Queue<number>();
  const waiting = assertRejects(() => queue.next(), Error, "Gone");
  queue.fail(new Error("Gone"));
  await soon(waiting);
  queue.push(1);
  await assertRejects(() => queue.next(), Error, "Gone");
});

Deno.test("fail() wins over values that have not been taken yet, and the first error stays", async () => {
  const queue = new Queue<number>();
  queue.push(1);
  queue.fail(new Error("First"));
  queue.fail(new Error("Second"));
  await assertRejects(() => queue.next(), Error, "First");
});
