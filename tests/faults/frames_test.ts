/**
 * Ten thousand hostile frames and headers; `deno task fuzz` runs millions. The
 * judges are tested too: a reader that accepts too much must fail.
 */
import { assert, assertEquals, assertLess, assertThrows } from "@std/assert";
import { EXIT } from "../../src/base/user_error.ts";
import { bytesOf } from "../../src/base/hash.ts";
import { encodeHeader } from "../../src/transport/codec.ts";
import { checksum } from "../../src/transport/frame.ts";
import { ROOT, taskWords } from "../e2e/support.ts";
import { ATTACKS } from "../fuzz/frames.ts";
import { journalRound } from "../fuzz/journals.ts";
import { readJson } from "../fuzz/json.ts";
import { crc, judge } from "../fuzz/judge.ts";
import { Malformed, readMsgpack } from "../fuzz/msgpack.ts";
import { concat, frameBytes } from "../transport/wire.ts";

const LIMITS = { attempt: 1, maxPayload: 1000 };

/** Runs the command `fuzz` with its permissions; returns its output. */
async function fuzz(...args: readonly string[]): Promise<{ code: number; text: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...taskWords("fuzz"), ...args],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  return { code, text: decoder.decode(stdout) + decoder.decode(stderr) };
}

Deno.test("100,000 hostile streams, 20,000 hostile headers, 5,000 damaged journals, and 100 hostile tokenizers give what is sound and nothing else", async () => {
  const { code, text } = await fuzz(
    "--frames=100000",
    "--headers=20000",
    "--journals=5000",
    "--tokenizers=100",
  );
  assertEquals(code, 0, text); // the text has the seed and the round
  const rounds = [...text.matchAll(/^(frames|headers|journals|tokenizers): (\d+) rounds in/gm)];
  assertEquals(rounds.map(([, what, n]) => [what, n]), [
    ["frames", "100000"],
    [
      "headers",
      "20000",
    ],
    ["journals", "5000"],
    ["tokenizers", "100"],
  ]);
  // Every generator is used, and some results of each are valid, so the readers are reached.
  const counts = new Map(
    [...text.matchAll(/^ *(\d+) {2}(.+)$/gm)].map(([, n, what]) => [what, Number(n)]),
  );
  for (const kind of ["damaged", "spliced", "mended", "header", "attack", "edge", "written"]) {
    assertLess(10, counts.get(`${kind}: sound`) ?? 0, kind);
    assertLess(4, [...counts.keys()].filter((what) => what?.startsWith(kind)).length, kind);
  }
  assertEquals(counts.get("handshake: refused"), 2000);
  for (const outcome of ["ids", "refused when read"]) {
    assertLess(1, counts.get(`tokenizer: ${outcome}`) ?? 0, outcome);
  }
  for (const found of ["sound", "the end is torn", "does not match its checksum"]) {
    assertLess(10, counts.get(found) ?? 0, found);
  }
});

Deno.test("a journal whose first line lost its whole checksum and was changed is judged by the next", () => {
  assertEquals(journalRound(781851659, 3455), "lines without checksums alone");
});

Deno.test("deno task fuzz refuses what it does not know", async () => {
  const { code, text } = await fuzz("--frame=1");
  assertEquals(code, EXIT.config);
  assertEquals(text, "error: Unknown flag --frame: did you mean --frames?\n");
});

Deno.test("the judge of frames reads what was written, and knows damage", () => {
  const header = { type: "x", n: -300, list: [1.5, "é", null, false], bytes: new Uint8Array(3) };
  const payload = new Uint8Array(500).map((_, i) => i);
  const bytes = concat(
    frameBytes(header, { payload }),
    frameBytes({ type: "old" }, { sequence: 1, attempt: 2 }),
  );
  assertEquals(judge(bytes, LIMITS), { frames: [{ header, payload }], fault: undefined });
  for (const at of [0, 4, 5, 20, 24, 30, 38, 45, 200]) {
    const damaged = bytes.with(at, (bytes[at] as number) ^ 16);
    assert(judge(damaged, LIMITS).fault !== undefined, `byte ${at}`);
  }
  assertEquals(judge(bytes, { ...LIMITS, maxPayload: 499 }).fault, "payload size");
  assertEquals(judge(bytes.subarray(0, 100), LIMITS).fault, "a frame that ends early");
});

Deno.test("the judge's checksum is CRC-32", () => {
  const text = new TextEncoder().encode("123456789");
  assertEquals([crc(text), checksum(text)], [0xcbf43926, 0xcbf43926]);
});

Deno.test("the judge of msgpack reads plain values and refuses every attack", () => {
  const numbers = [0, -1, 127, 128, -32, -33, 255, 65536, 2 ** 40, -(2 ** 40), 0.5, 1e300];
  const header = { type: "x", numbers, text: "é".repeat(300), none: null, yes: true };
  assertEquals(readMsgpack(encodeHeader(header)), header);
  for (const [what, value] of Object.entries(ATTACKS)) {
    const bytes = bytesOf(Uint8Array.from([0x81, 0xa1, 0x61, ...value]));
    if (what === "use of a record") assertThrows(() => readMsgpack(bytes), Malformed, "more bytes");
    else assertThrows(() => readMsgpack(bytes), Malformed);
  }
});

Deno.test("the judge of JSON agrees with JSON.parse on grammar", () => {
  const sound = ['{"a":[1,-0.5e3,"\\u00e9\\n",null]}', "[]", " [ true , false ] ", '"x"', "0"];
  for (const text of sound) {
    readJson(text, 3);
    JSON.parse(text);
  }
  const bad = ["", "01", "[1,]", "{,}", '{"a"}', '"\n"', "[1", "nul", "+1", ".5", '"\\x"', "[]x"];
  for (const text of bad) {
    assertThrows(() => readJson(text, 3), Malformed);
    assertThrows(() => JSON.parse(text), SyntaxError);
  }
  assertThrows(() => readJson("[[[[]]]]", 3), Malformed, "too deep");
  const twice = readJson('{"a":1,"a":2}', 1);
  assertEquals(twice.kind === "object" && twice.pairs.length, 2);
});
