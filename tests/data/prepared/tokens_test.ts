/** Random access to the tokens of a prepared folder. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { fileURLToPath } from "node:url";
import { openPrepared } from "../../../src/data/prepared/open.ts";
import { TokenHash } from "../../../src/data/prepared/token_hash.ts";
import { openTokens } from "../../../src/data/prepared/tokens.ts";
import { isPrepared } from "../../../src/data/prepared/folder.ts";
import { UserError } from "../../../src/base/user_error.ts";
import { Desk, someText } from "../../prepare/fixture.ts";

/** Offsets and lengths at the edges of blocks and shards, and random ones. */
function* stretches(length: number): Generator<readonly [start: number, n: number]> {
  yield* [[0, 0], [0, 1], [length - 1, 1], [length, 0], [0, length]] as const;
  for (let block = 1; block * 32768 < length; block++) {
    for (const back of [0, 1, 1000]) {
      const start = block * 32768 - back;
      yield [start, Math.min(1024, length - start)];
    }
  }
  for (let i = 0; i < 200; i++) {
    const start = (i * 7919_31) % length;
    yield [start, Math.min((i * 37) % 3000, length - start)];
  }
}

for (const shardTokens of [2 ** 26, 100_000]) {
  Deno.test(`openTokens() gives any stretch, shards of ${shardTokens} tokens`, async () => {
    using desk = new Desk();
    const text = someText(30_000);
    desk.write("a.txt", text);
    await desk.prepare(["a.txt"], { tokenizer: "byte", shardTokens });
    const bytes = Uint32Array.from(new TextEncoder().encode(text));
    for (const part of ["train", "validation"] as const) {
      using tokens = openTokens(desk.of("out"), part);
      const cut = desk.index().train.tokens;
      const all = part === "train" ? bytes.subarray(0, cut) : bytes.subarray(cut);
      assertEquals(tokens.length, all.length);
      for (const [start, n] of stretches(all.length)) {
        const into = new Uint32Array(n);
        tokens.read(start, into);
        assertEquals(into, all.slice(start, start + n), `${n} from ${start}`);
      }
    }
  });
}

Deno.test("openTokens().read() refuses to reach past the end", async () => {
  using desk = new Desk();
  desk.write("a.txt", "0123456789");
  await desk.prepare(["a.txt"], { validation: 0 });
  using tokens = openTokens(desk.of("out"), "train");
  for (const start of [-1, 8, NaN]) {
    assertThrows(() => tokens.read(start, new Uint32Array(3)), RangeError, "there are 10");
  }
  using none = openTokens(desk.of("out"), "validation");
  assertEquals(none.length, 0);
});

Deno.test("a vocabulary beyond 65536 takes four bytes per token", async () => {
  using desk = new Desk();
  const all = Array.from({ length: 70_000 }, (_, i) => String.fromCodePoint(0x10000 + i)).join("");
  desk.write("a.txt", all);
  await desk.prepare(["a.txt"], { validation: 0.5 });
  assertEquals(openPrepared(desk.of("out")).vocabulary, 70_000);
  const tokens = [...desk.tokens("train"), ...desk.tokens("validation")];
  assert(tokens.every((token, i) => token === i));
  const { train } = desk.index();
  const { size } = Deno.statSync(desk.of(`out/${train.shards[0]?.file}`));
  const blocks = Math.ceil(4 * train.tokens / 65536);
  const ends = 4 + 4; // One document end and its CRC.
  assertEquals(size, 128 + 4 * train.tokens + 4 * blocks + 4 + ends);
});

Deno.test("a folder is what it is wherever it lies; nothing else is one", async () => {
  using desk = new Desk();
  desk.write("a.txt", someText(50));
  await desk.prepare(["a.txt"]);
  Deno.renameSync(desk.of("out"), desk.of("moved"));
  const { hash, path } = openPrepared(desk.of("moved"));
  assertEquals([hash, path], [desk.index("moved").hash, desk.of("moved")]);
  assert(isPrepared(desk.of("moved")));
  desk.write("other/index.json", '{"format":"of another program"}');
  desk.write("broken/index.json", "{");
  for (const name of ["other", "broken", "none", "a.txt", "moved/index.json"]) {
    assertEquals(isPrepared(desk.of(name)), false, name);
  }
  const refusal = assertThrows(() => openPrepared(desk.of("none")), UserError, "has no index.json");
  assertEquals(refusal.exit, "noInput");
});

Deno.test("tokens are read with leave to read their folder and no other leave", async () => {
  using desk = new Desk();
  desk.write("a.txt", someText(500));
  await desk.prepare(["a.txt"]);
  const module = new URL("../../../src/data/prepared/tokens.ts", import.meta.url).href;
  const script = desk.write(
    "read.ts",
    `import { openTokens } from ${JSON.stringify(module)};
    using tokens = openTokens(${JSON.stringify(desk.of("out"))}, "train");
    const into = new Uint32Array(100);
    tokens.read(50, into);
    console.log(into.join());`,
  );
  const config = fileURLToPath(new URL("../../../deno.json", import.meta.url));
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--no-prompt",
      "--config",
      config,
      `--allow-read=${desk.of("out")}`,
      script,
    ],
  }).output();
  assertEquals(new TextDecoder().decode(stderr), "");
  assertEquals(
    new TextDecoder().decode(stdout).trim(),
    desk.tokens("train").slice(50, 150).join(),
  );
});

Deno.test("the hash of tokens goes on from its last whole link", () => {
  const bytes = new Uint8Array(500_000).map((_, i) => i * 31 >> 3);
  const whole = new TokenHash(2);
  whole.push(bytes);
  for (const cut of [0, 2, 131_072, 131_074, 400_000, 500_000]) {
    const first = new TokenHash(2);
    first.push(bytes.subarray(0, cut));
    const second = new TokenHash(2, first.chain);
    second.push(bytes.subarray(cut - cut % 131_072));
    assertEquals(second.digest(), whole.digest(), `cut at ${cut}`);
  }
  const other = new TokenHash(2);
  other.push(bytes.subarray(0, -2));
  assert(other.digest() !== whole.digest());
});
