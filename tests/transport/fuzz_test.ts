/** Random damage to streams and headers: nothing may escape but ChannelError, and nothing may hang. */
import { assert, assertEquals } from "@std/assert";
import { threefry } from "../../src/base/random.ts";
import { ChannelError } from "../../src/transport/channel.ts";
import { encodeHeader } from "../../src/transport/codec.ts";
import { streamChannel } from "../../src/transport/stream.ts";
import { concat, drain, frameBytes, rawFrame, recorded, soon } from "./wire.ts";

const SEED = Date.now() % 2 ** 32;

/** Numbers in [0, n) that follow from the seed and the round. */
function dice(round: number): (n: number) => number {
  let i = 0;
  return (n) => threefry([SEED, round], i++, 0)[0] % n;
}

/** One to three small changes to a copy of the bytes. */
function mutate(bytes: Uint8Array, roll: (n: number) => number): Uint8Array {
  let out: Uint8Array = bytes.slice();
  for (let i = roll(3); i >= 0; i--) {
    const at = roll(out.length || 1);
    const n = roll(20);
    const [before, after] = [out.subarray(0, at), out.subarray(at)];
    const random = Uint8Array.from({ length: n }, () => roll(256));
    const kind = roll(6);
    if (kind === 0) out[at] = (out[at] ?? 0) ^ (1 << roll(8));
    else if (kind === 1) out[at] = [0, 0xff, 0x7f, 0x80, 0xc7, 0xdf][roll(6)] as number;
    else if (kind === 2) out = concat(before, after.subarray(n)); // a hole
    else if (kind === 3) out = concat(before, random, after); // bytes put in
    else if (kind === 4) out = concat(before, after.subarray(0, n), after); // bytes said twice
    else out = out.slice(0, at); // the end cut off
  }
  return out;
}

const HEADER = {
  type: "root",
  step: 70_000,
  list: [1, -2.5, "é", null, true],
  map: { a: { b: 1 } },
};

Deno.test(`a damaged stream gives sound frames and then ends or fails, seed ${SEED}`, async () => {
  const frames = [
    frameBytes(HEADER, { payload: new Uint8Array(100).fill(7) }),
    frameBytes({ type: "b" }, { sequence: 1 }),
    frameBytes({ type: "c" }, { sequence: 2, payload: new Uint8Array(3000), attempt: 9 }),
    frameBytes({ type: "d" }, { sequence: 3, payload: new Uint8Array(1) }),
  ];
  const whole = concat(...frames);
  const sound = await drain(streamChannel(recorded(whole), { attempt: 1 }));
  assertEquals(sound.frames.map((f) => f.header.type), ["root", "b", "d"]);
  let failed = 0;
  for (let round = 0; round < 3000; round++) {
    const roll = dice(round);
    const bytes = mutate(whole, roll);
    const channel = streamChannel(recorded(bytes, 1 + roll(4000)), { attempt: 1 });
    const { frames, error } = await soon(drain(channel));
    assert(error === undefined || error instanceof ChannelError, `round ${round}: ${error}`);
    if (error) failed++;
    assertEquals(frames, sound.frames.slice(0, frames.length), `round ${round}`);
  }
  assert(failed > 1500, `${failed} of 3000 were noticed`);
});

Deno.test(`damaged headers in sound frames are refused or plain, seed ${SEED}`, async () => {
  const header = encodeHeader(HEADER).slice();
  let refused = 0;
  for (let round = 0; round < 3000; round++) {
    const bytes = rawFrame(mutate(header, dice(round)));
    const { frames, error } = await soon(drain(streamChannel(recorded(bytes), { attempt: 1 })));
    assert(error === undefined || error instanceof ChannelError, `round ${round}: ${error}`);
    if (error) refused++;
    for (const frame of frames) encodeHeader(frame.header); // throws unless all of it is plain
  }
  assert(refused > 500 && refused < 3000, `${refused} of 3000 were refused`);
});
