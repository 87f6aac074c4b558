/**
 * Fuzzes the frame reader, one stream per round: mutated, with valid checksums, spliced, and
 * hostile headers. An independent reader decides the expected result.
 */
import { type Channel, ChannelError, type Frame } from "../../src/transport/channel.ts";
import { encodeHeader } from "../../src/transport/codec.ts";
import { admit } from "../../src/transport/handshake.ts";
import { streamChannel } from "../../src/transport/stream.ts";
import { concat, drain, frameBytes, rawFrame, recorded } from "../transport/wire.ts";
import { dice, mutate, pick, randomBytes, type Roll, same } from "./dice.ts";
import { crc, judge } from "./judge.ts";

/** A violated contract, with the round that reproduces it. */
export class Violation extends Error {}

const ATTEMPT = 1;
const MAX_PAYLOAD = 2 ** 20;
const TOKEN = new Uint8Array(32).fill(7);

const HEADER = {
  type: "root",
  step: 70_000,
  list: [1, -2.5, "é", null, true],
  map: { a: { b: 1 } },
  bytes: new Uint8Array([1, 2, 3]),
};
const ENCODED = encodeHeader(HEADER).slice();
const HELLO = frameBytes({
  type: "hello",
  version: 1,
  nonce: new Uint8Array(32).fill(3),
  hello: { rank: 1, attempt: 1 },
});
const FRAMES = [
  frameBytes(HEADER, { payload: new Uint8Array(100).fill(7) }),
  frameBytes({ type: "b" }, { sequence: 1 }),
  frameBytes({ type: "c" }, { sequence: 2, payload: new Uint8Array(3000), attempt: 9 }),
  frameBytes({ type: "d" }, { sequence: 3, payload: new Uint8Array(1) }),
];

/** Hostile msgpack values for a decoder with extensions, by name. */
export const ATTACKS: Readonly<Record<string, readonly number[]>> = {
  record: [0xd4, 0x72, 0x40, 0x91, 0xa1, 0x61, 0x01],
  "use of a record": [0x40, 0x01],
  set: [0xd4, 0x73, 0x00, 0x92, 0x01, 0x02],
  error: [0xd4, 0x65, 0x00, 0x92, 0xa1, 0x45, 0xa1, 0x6d],
  regexp: [0xd4, 0x78, 0x00, 0x92, 0xa1, 0x61, 0xa1, 0x67],
  "typed array": [0xc7, 0x05, 0x74, 0x01, 1, 2, 3, 4],
  "start of a cycle": [0xd6, 0x69, 0, 0, 0, 1, 0x91, 0xd6, 0x70, 0, 0, 0, 1],
  "bundled texts": [0xd6, 0x62, 0, 0, 0, 9, 0xc1],
  date: [0xd6, 0xff, 0, 0, 0, 0],
  reserved: [0xc1],
  "bytes of 4 GiB": [0xc6, 0xff, 0xff, 0xff, 0xff],
  "text of 4 GiB": [0xdb, 0xff, 0xff, 0xff, 0xff],
  "list of 4 G": [0xdd, 0xff, 0xff, 0xff, 0xff],
  "map of 4 G": [0xdf, 0xff, 0xff, 0xff, 0xff],
  "extension of 4 GiB": [0xc9, 0xff, 0xff, 0xff, 0xff, 0x01],
  "a prototype": [0x81, 0xa9, ...new TextEncoder().encode("__proto__"), 0x80],
  "50,000 lists": Array<number>(50_000).fill(0x91),
  "12,000 maps": Array.from({ length: 36_000 }, (_, i) => [0x81, 0xa1, 0x61][i % 3] as number),
};

const TEXT = new TextEncoder();

/** Valid values similar to the attacks, which must be accepted. */
const PLAIN: readonly (readonly number[])[] = [
  [0x92, 0x01, 0x02],
  [0x81, 0xa5, ...TEXT.encode("proto"), 0x80],
  [0xc6, 0, 0, 0, 2, 1, 2],
  [0xdb, 0, 0, 0, 1, 0x61],
  [0xdd, 0, 0, 0, 1, 0xc0],
];

/** Values on both sides of the limits of headers. */
const EDGES: readonly (() => Uint8Array)[] = [
  ...[4, 5, 6, 7].map((levels) => () => Uint8Array.of(...Array(levels).fill(0x91), 0xc0)),
  ...[64, 65].map((letters) => () =>
    Uint8Array.of(0x81, 0xd9, letters, ...TEXT.encode("k".repeat(letters)), 0xc0)
  ),
  // 4,096 items: the map, two keys, the type, the list and what is in it.
  ...[4091, 4092].map((n) => () => Uint8Array.of(0xdc, n >> 8, n & 255, ...Array(n).fill(1))),
  ...[0x1f, 0x20].map((top) => () => Uint8Array.of(0xcf, 0, top, 255, 255, 255, 255, 255, 255)),
  ...[0xe0, 0xdf].map((top) => () => Uint8Array.of(0xd3, 255, top, 0, 0, 0, 0, 0, 1)),
  // 64 KiB: what stands before the bytes in the map below is 10 B, their tag and size are 5.
  ...[65521, 65522].map((n) => () => bytesTagged(n)),
];

function bytesTagged(count: number): Uint8Array {
  const out = new Uint8Array(5 + count);
  out[0] = 0xc6;
  new DataView(out.buffer).setUint32(1, count);
  return out;
}

/** Kinds of streams with their weights. */
const KINDS: readonly (readonly [string, number, (roll: Roll) => Uint8Array])[] = [
  ["damaged", 6, (roll) => mutate(concat(...FRAMES), roll)],
  ["spliced", 3, splice],
  ["mended", 5, mend],
  ["header", 6, (roll) => rawFrame(mutate(ENCODED, roll))],
  ["attack", 3, attack],
  ["edge", 1, (roll) => rawFrame(inMap(pick(EDGES, roll)()))],
];
const DRAWN = KINDS.flatMap((kind) => Array<typeof kind>(kind[1]).fill(kind));

/** Runs one round; returns its kind and outcome. @throws {Violation} */
export async function frameRound(seed: number, round: number): Promise<string> {
  const roll = dice(seed, round);
  if (round % 50 === 0) return await handshakeRound(roll, `seed ${seed}, round ${round}`);
  const [kind, , make] = pick(DRAWN, roll);
  const bytes = make(roll);
  const limits = { attempt: ATTEMPT, maxPayload: MAX_PAYLOAD };
  const channel = streamChannel(recorded(bytes, 1 + roll(4000)), limits);
  const { frames, error } = await drain(channel);
  const verdict = judge(bytes, limits);
  const what = `${kind}, seed ${seed}, round ${round}`;
  if (error !== undefined && !(error instanceof ChannelError)) {
    throw new Violation(`${what}: another error than ChannelError: ${error}`, { cause: error });
  }
  if ((error === undefined) !== (verdict.fault === undefined)) {
    throw new Violation(`${what}: ended with ${error}, must with ${verdict.fault}`);
  }
  if (!sameFrames(frames, verdict.frames)) {
    throw new Violation(`${what}: gave ${frames.length} frames, must ${verdict.frames.length}`);
  }
  return `${kind}: ${verdict.fault ?? "sound"}`;
}

function sameFrames(a: readonly Frame[], b: readonly { header: unknown; payload: Uint8Array }[]) {
  return a.length === b.length &&
    a.every((frame, i) => same(frame.header, b[i]?.header) && same(frame.payload, b[i]?.payload));
}

/** A mutated handshake must fail with ChannelError. */
async function handshakeRound(roll: Roll, what: string): Promise<string> {
  const answer = frameBytes({ type: "answer", proof: randomBytes(32, roll) }, { sequence: 1 });
  const bytes = mutate(concat(HELLO, answer), roll);
  const channel: Channel = streamChannel(recorded(bytes), { attempt: "first" });
  try {
    await admit(channel, { token: TOKEN });
  } catch (error) {
    if (error instanceof ChannelError) return "handshake: refused";
    throw new Violation(`handshake, ${what}: ${error}`, { cause: error });
  }
  throw new Violation(`handshake, ${what}: admitted a stranger`);
}

/** Drops, repeats, reorders, truncates and joins frames. */
function splice(roll: Roll): Uint8Array {
  const parts = Array.from({ length: 1 + roll(5) }, () => {
    const frame = pick(FRAMES, roll);
    return roll(3) > 0 ? frame : frame.subarray(0, roll(frame.length));
  });
  return concat(...(roll(2) === 0 ? parts : [FRAMES[0] as Uint8Array, ...parts]));
}

/** Fields of the fixed prefix: offset, bytes, and false values. */
const FIELDS: readonly (readonly [number, number, readonly bigint[]])[] = [
  [0, 4, [0x314c_4854n, 0n]],
  [4, 1, [0n, 2n, 255n]],
  [5, 1, [1n, 128n]],
  [6, 2, [1n, 65535n]],
  [8, 4, [0n, 1n, 65536n, 65537n, 0xffff_ffffn]],
  [12, 8, [0n, 1n, 2n ** 20n, 2n ** 20n + 1n, 2n ** 32n, 2n ** 53n, 2n ** 64n - 1n]],
  [20, 4, [0n, 2n, 0xffff_ffffn]],
  [24, 4, [0n, 1n, 2n, 0xffff_ffffn]],
  [28, 4, [0n]],
  [32, 4, [0n]],
];

/** A false field in the prefix of one frame, with a valid checksum. */
function mend(roll: Roll): Uint8Array {
  const frames = FRAMES.map((frame) => frame.slice());
  const frame = pick(frames, roll);
  const view = new DataView(frame.buffer);
  const [at, size, lies] = pick(FIELDS, roll);
  const lie = pick(lies, roll);
  for (let i = 0; i < size; i++) view.setUint8(at + i, Number(lie >> BigInt(8 * i) & 255n));
  view.setUint32(36, crc(frame.subarray(0, 36)), true);
  return concat(...frames);
}

/** A hostile header in a valid frame; one in 16 is valid. */
function attack(roll: Roll): Uint8Array {
  if (roll(16) === 0) return rawFrame(inMap(Uint8Array.from(pick(PLAIN, roll))));
  const value = Uint8Array.from(pick(Object.values(ATTACKS), roll));
  const bytes = roll(2) === 0 ? value : inMap(value);
  return rawFrame(roll(2) === 0 ? bytes : mutate(bytes, roll));
}

/** A header of type "a" with the value in it. */
function inMap(value: Uint8Array): Uint8Array {
  return concat(Uint8Array.of(0x82, 0xa4, ...TEXT.encode("type"), 0xa1, 0x61, 0xa1, 0x62), value);
}
