/** Peers that connect before or after they are awaited, and peers of older attempts. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { ChannelError } from "../../../src/transport/channel.ts";
import type { FencedChannel } from "../../../src/transport/channel.ts";
import { memoryPair } from "../../../src/transport/memory.ts";
import { Lobby } from "../../../workers/trainer/lobby.ts";
import { soon } from "../../transport/wire.ts";

const NEVER = new AbortController().signal;

/** A peer that has dialed: its own end, and the one that enters. */
function dialed(attempt: number): { theirs: FencedChannel; ours: FencedChannel } {
  const [theirs, ours] = memoryPair({ attempt });
  return { theirs, ours };
}

/** Whether the conversation was ended from our side. */
async function isLeft({ theirs }: { theirs: FencedChannel }): Promise<boolean> {
  const late = new Promise<"open">((resolve) => setTimeout(() => resolve("open"), 20));
  return await Promise.race([theirs.receive(), late]) === undefined;
}

Deno.test("a lobby returns a peer that connected before it was awaited, once", async () => {
  const lobby = new Lobby();
  const peer = dialed(3);
  lobby.enter(peer.ours, { attempt: 3, rank: 1 });
  assertEquals(await soon(lobby.meet(3, 1, NEVER)), peer.ours);
  const again = dialed(3);
  const met = lobby.meet(3, 1, NEVER);
  lobby.enter(again.ours, { attempt: 3, rank: 1 });
  assertEquals(await soon(met), again.ours);
  assert(!await isLeft(peer) && !await isLeft(again));
});

Deno.test("a lobby gives each of those that wait their own peer, in any order", async () => {
  const lobby = new Lobby();
  const peers = [1, 2, 3].map(() => dialed(1));
  const met = [1, 2, 3].map((rank) => lobby.meet(1, rank, NEVER));
  for (const rank of [3, 1, 2]) {
    lobby.enter((peers[rank - 1] as (typeof peers)[0]).ours, { attempt: 1, rank });
  }
  assertEquals(await soon(Promise.all(met)), peers.map(({ ours }) => ours));
});

Deno.test("a lobby keeps a peer of an attempt that has not been ordered yet", async () => {
  const lobby = new Lobby();
  const early = dialed(5);
  lobby.enter(early.ours, { attempt: 5, rank: 1 });
  const now = dialed(4);
  const met = lobby.meet(4, 1, NEVER);
  lobby.enter(now.ours, { attempt: 4, rank: 1 });
  assertEquals(await soon(met), now.ours);
  assert(!await isLeft(early));
  assertEquals(await soon(lobby.meet(5, 1, NEVER)), early.ours);
});

Deno.test("a lobby closes the peers of an attempt that is over", async () => {
  const lobby = new Lobby();
  const waiting = dialed(1);
  lobby.enter(waiting.ours, { attempt: 1, rank: 2 });
  const peer = dialed(2);
  lobby.enter(peer.ours, { attempt: 2, rank: 1 });
  assertEquals(await soon(lobby.meet(2, 1, NEVER)), peer.ours);
  assert(await isLeft(waiting));
  const late = dialed(1);
  lobby.enter(late.ours, { attempt: 1, rank: 1 });
  assert(await isLeft(late));
  assert(!await isLeft(peer));
});

Deno.test("a lobby gives the later of two dials of a peer, and closes the first", async () => {
  const lobby = new Lobby();
  const [first, second] = [dialed(1), dialed(1)];
  for (const { ours } of [first, second]) lobby.enter(ours, { attempt: 1, rank: 1 });
  assert(await isLeft(first));
  assertEquals(await soon(lobby.meet(1, 1, NEVER)), second.ours);
});

Deno.test("a lobby rejects as a closed channel does when another quorum follows", async () => {
  const lobby = new Lobby();
  const over = new AbortController();
  const met = assertRejects(() => lobby.meet(1, 1, over.signal), ChannelError);
  over.abort();
  await soon(met);
});

Deno.test("a lobby does not wait for a quorum that is already over", async () => {
  const lobby = new Lobby();
  await soon(assertRejects(() => lobby.meet(1, 1, AbortSignal.abort()), ChannelError), 500);
});

Deno.test("a lobby closes a peer that connects when no quorum awaits it any more", async () => {
  const lobby = new Lobby();
  const over = new AbortController();
  const met = assertRejects(() => lobby.meet(1, 1, over.signal));
  over.abort();
  await soon(met);
  const peer = dialed(1);
  lobby.enter(peer.ours, { attempt: 1, rank: 1 });
  const next = dialed(2);
  lobby.enter(next.ours, { attempt: 2, rank: 1 });
  assertEquals(await soon(lobby.meet(2, 1, NEVER)), next.ours);
  assert(await isLeft(peer));
});
