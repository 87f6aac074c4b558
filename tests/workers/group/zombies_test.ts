/** Workers that were given up and speak again. */
import { assert, assertEquals } from "@std/assert";
import { memoryPair } from "../../../src/transport/memory.ts";
import { soon } from "../../transport/wire.ts";
import { Link } from "../../../workers/group/link.ts";
import { Zombies } from "../../../workers/group/zombies.ts";

Deno.test("what a zombie says is counted and dropped, and it is hung up on", async () => {
  const [near, far] = memoryPair({ attempt: 3 });
  const received: string[] = [];
  const over = Promise.withResolvers<void>();
  const link = new Link(near, {
    limit: () => 0,
    received: ({ reply }) => received.push(reply.type),
    ended: () => over.resolve(),
  });
  link.listen();
  const zombies = new Zombies();
  zombies.add(7, link, 4);
  assertEquals(zombies.hangUp(), []);
  await far.send({ type: "beat", waiting: [] });
  await far.send({ type: "beat", waiting: [] });
  while (link.stale < 2) await new Promise((resolve) => setTimeout(resolve, 1));
  assertEquals(zombies.hangUp(), [{ id: 7, frames: 2 }]);
  assertEquals([received, zombies.ended(7)], [[], false]);
  assertEquals(await soon(far.receive()), undefined);
  await soon(over.promise);
});

Deno.test("a zombie that ends without a word is forgotten", () => {
  const [near] = memoryPair({ attempt: 0 });
  const zombies = new Zombies();
  zombies.add(1, new Link(near, { limit: () => 0, received: () => {}, ended: () => {} }), 1);
  assert(zombies.ended(1));
  assert(!zombies.ended(1));
  zombies.close();
});
