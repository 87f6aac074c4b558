/** Damage to a prepared folder is detected and reported with file and offset. */
import { crc32 } from "node:zlib";
import { assertEquals, assertThrows } from "@std/assert";
import { UserError } from "../../../src/base/user_error.ts";
import { openPrepared } from "../../../src/data/prepared/open.ts";
import { openTokens } from "../../../src/data/prepared/tokens.ts";
import { verifyPrepared } from "../../../src/data/prepared/verify.ts";
import { Desk, someText } from "../../prepare/fixture.ts";

const SHARD = "train-00000.tokens";

/** Bytes of a shard, changed and written again. */
function change(path: string, act: (bytes: Uint8Array, view: DataView) => Uint8Array | void): void {
  const bytes = Deno.readFileSync(path);
  Deno.writeFileSync(path, act(bytes, new DataView(bytes.buffer)) ?? bytes);
}

/** A header with a valid CRC for any contents. */
function seal(bytes: Uint8Array, view: DataView): void {
  view.setUint32(124, crc32(bytes.subarray(0, 124)), true);
}

/** Valid CRCs of blocks and table for any contents; only the index differs. */
function sealTokens(bytes: Uint8Array, view: DataView): number {
  const end = 128 + 2 * Number(view.getBigUint64(16, true));
  let at = end;
  for (let from = 128; from < end; from += 65536, at += 4) {
    view.setUint32(at, crc32(bytes.subarray(from, Math.min(end, from + 65536))), true);
  }
  const crc = crc32(bytes.subarray(end, at));
  view.setUint32(at, crc, true);
  return crc;
}

interface Damage {
  /** Mutation of the shard in its folder. */
  readonly to: (path: string, desk: Desk) => void;
  readonly says: string;
}

const ON_OPENING: Readonly<Record<string, Damage>> = {
  "a shard that is cut short": {
    to: (path) => change(path, (bytes) => bytes.subarray(0, -1000)),
    says: "it ends at byte",
  },
  "a shard cut short within its head": {
    to: (path) => change(path, (bytes) => bytes.subarray(0, 100)),
    says: "it ends at byte 100, within its head",
  },
  "an empty shard": { to: (path) => change(path, () => new Uint8Array()), says: "ends at byte 0" },
  "a shard with more behind it": {
    to: (path) => change(path, (bytes) => Uint8Array.from([...bytes, 0])),
    says: "it goes on behind its end at byte",
  },
  "a shard that is missing": { to: (path) => Deno.removeSync(path), says: "there is none" },
  "a file that is no shard": {
    to: (path) => change(path, (bytes) => void (bytes[3] = 0)),
    says: "it does not begin with SHOALTOK (byte 0)",
  },
  "a shard of another version": {
    to: (path) => change(path, (_, view) => view.setUint32(8, 3, true)),
    says: "its version is 3, not 1 or 2 (byte 8)",
  },
  "a head that was altered": {
    to: (path) => change(path, (_, view) => view.setUint32(24, 255, true)),
    says: "its head does not match its CRC (byte 124)",
  },
  "a head with another number of tokens": {
    to: (path) =>
      change(path, (bytes, view) => {
        view.setBigUint64(16, view.getBigUint64(16, true) - 1n, true);
        seal(bytes, view);
      }),
    says: "the index says",
  },
  "a shard of another tokenizer": {
    to: (path) =>
      change(path, (bytes, view) => {
        bytes.fill(0xab, 32, 64);
        seal(bytes, view);
      }),
    says: `its tokenizer has the hash ${"ab".repeat(32)}, the folder's `,
  },
  "a shard of another vocabulary": {
    to: (path) =>
      change(path, (bytes, view) => {
        view.setUint32(24, 300, true);
        seal(bytes, view);
      }),
    says: "its vocabulary is 300, the folder's 256",
  },
  "a table of CRCs that was altered": {
    to: (path) =>
      change(path, (bytes, view) => {
        const table = 128 + 2 * Number(view.getBigUint64(16, true));
        (bytes[table + 2] as number) ^= 1;
      }),
    says: "does not match its own CRC",
  },
  "tokens of another text, all CRCs right": {
    to: (path) =>
      change(path, (bytes, view) => {
        bytes[130] = 1;
        sealTokens(bytes, view);
      }),
    says: "is not the one of the index",
  },
};

for (const [what, { to, says }] of Object.entries(ON_OPENING)) {
  Deno.test(`opening a prepared folder refuses ${what}`, async () => {
    using desk = new Desk();
    desk.write("a.txt", someText(9000));
    await desk.prepare(["a.txt"], { tokenizer: "byte" });
    to(desk.of(`out/${SHARD}`), desk);
    const acts = [openPrepared, verifyPrepared, (path: string) => openTokens(path, "train")];
    for (const act of acts) {
      const refusal = assertThrows(() => act(desk.of("out")), UserError, says);
      assertEquals([refusal.exit, refusal.message.includes(SHARD)], ["data", true]);
    }
    // The other split is undamaged.
    openTokens(desk.of("out"), "validation")[Symbol.dispose]();
  });
}

Deno.test("an altered token is noticed when its block is read, not before", async () => {
  using desk = new Desk();
  desk.write("a.txt", someText(9000));
  await desk.prepare(["a.txt"], { tokenizer: "byte" });
  // A token in block 1.
  change(desk.of(`out/${SHARD}`), (bytes) => void ((bytes[128 + 65536 + 500] as number) ^= 4));
  openPrepared(desk.of("out"));
  using tokens = openTokens(desk.of("out"), "train");
  tokens.read(0, new Uint32Array(32768));
  const says = `${SHARD}: its block 1 (bytes 65664 to 131200) does not match its CRC`;
  for (const start of [32768, 32767, 40_000]) {
    const refusal = assertThrows(() => tokens.read(start, new Uint32Array(64)), UserError, says);
    assertEquals(refusal.exit, "data");
  }
  tokens.read(65536, new Uint32Array(64));
  assertThrows(() => verifyPrepared(desk.of("out")), UserError, says);
});

Deno.test("tokens that change after their block was read are noticed where they are read again", async () => {
  for (const wide of [false, true]) {
    using desk = new Desk();
    const all = Array.from({ length: 70_000 }, (_, i) => String.fromCodePoint(0x10000 + i)).join(
      "",
    );
    desk.write("a.txt", wide ? all : someText(9000));
    await desk.prepare(["a.txt"], { tokenizer: wide ? "char" : "byte", validation: 0 });
    const path = desk.of(`out/${SHARD}`);
    const [good, width] = [Deno.readFileSync(path), wide ? 4 : 2];
    using tokens = openTokens(desk.of("out"), "train");
    const of = (start: number, n: number) => {
      const into = new Uint32Array(n);
      tokens.read(start, into);
      return into;
    };
    const whole = of(0, tokens.length);
    for (const block of [0, 1]) {
      for (const [page, byte] of [[0, 0], [3, 77], [15, 4095]] as const) {
        const at = 65536 * block + 4096 * page + byte;
        const token = Math.floor(at / width);
        Deno.writeFileSync(path, good.with(128 + at, (good[128 + at] as number) ^ 1));
        const [from, to] = [at - byte + 128, at - byte + 128 + 4096];
        const says = `${SHARD}: its block ${block} (bytes ${from} to ${to}) changed after`;
        for (const [start, n] of [[token, 1], [token - 900, 1000], [0, tokens.length]] as const) {
          const read = () => of(Math.max(0, start), n);
          assertEquals(assertThrows(read, UserError, says).exit, "data");
        }
        const elsewhere = token + (page < 15 ? 4096 : -4096);
        assertEquals(of(elsewhere, 9), whole.slice(elsewhere, elsewhere + 9), "other pages stand");
      }
    }
    Deno.writeFileSync(path, good);
    assertEquals(of(0, tokens.length), whole);
    Deno.truncateSync(path, 128 + 40_000);
    assertThrows(() => of(39_000 / width, 9), UserError, `${SHARD}: it ends at byte 40128`);
  }
});

Deno.test("a table of documents that was altered is noticed when documents are told apart", async () => {
  using desk = new Desk();
  desk.write("a.txt", someText(900));
  await desk.prepare(["a.txt"], { tokenizer: "byte", documentEnd: "\n" });
  const path = desk.of(`out/${SHARD}`);
  const open = () => openTokens(desk.of("out"), "train", { documents: true });
  const good = Deno.readFileSync(path);
  const altered = (act: (bytes: Uint8Array, view: DataView) => void, says: string) => {
    Deno.writeFileSync(path, good);
    change(path, act);
    for (const read of [open, () => verifyPrepared(desk.of("out"))]) {
      const { exit, message } = assertThrows(read, UserError, says);
      assertEquals([exit, message.includes(SHARD)], ["data", true]);
    }
  };
  altered((bytes) => void ((bytes[bytes.length - 40] as number) ^= 1), "does not match its CRC");
  // Two positions are swapped, with valid CRCs.
  altered((bytes, view) => {
    const [m, end] = [view.getUint32(64, true), bytes.length];
    bytes.set(good.subarray(end - 8, end - 4), end - 12);
    bytes.set(good.subarray(end - 12, end - 8), end - 8);
    view.setUint32(end - 4, crc32(bytes.subarray(end - 4 - 4 * m, end - 4)), true);
  }, "is not in order");
});

Deno.test("a token outside the vocabulary is refused even where all CRCs are right", async () => {
  using desk = new Desk();
  desk.write("a.txt", someText(9000));
  await desk.prepare(["a.txt"], { tokenizer: "byte" });
  let crc = 0;
  change(desk.of(`out/${SHARD}`), (bytes, view) => {
    view.setUint16(128 + 65536 + 500, 256, true);
    crc = sealTokens(bytes, view);
  });
  const index = desk.index();
  const [shard] = index.train.shards;
  const train = { ...index.train, shards: [{ ...shard, crc }] };
  Deno.writeTextFileSync(desk.of("out/index.json"), JSON.stringify({ ...index, train }));
  const says = "its token 256 at byte 66164 is outside the vocabulary of 256";
  using tokens = openTokens(desk.of("out"), "train");
  assertThrows(() => tokens.read(40_000, new Uint32Array(9)), UserError, says);
  assertThrows(() => verifyPrepared(desk.of("out")), UserError, says);
});

Deno.test("tokens that are not those of the index are noticed even where all CRCs are right", async () => {
  using desk = new Desk();
  desk.write("a.txt", someText(9000));
  await desk.prepare(["a.txt"], { tokenizer: "byte" });
  let crc = 0;
  change(desk.of(`out/${SHARD}`), (bytes, view) => {
    bytes[128] = 65;
    crc = sealTokens(bytes, view);
  });
  const index = desk.index();
  const [shard] = index.train.shards;
  const train = { ...index.train, shards: [{ ...shard, crc }] };
  Deno.writeTextFileSync(desk.of("out/index.json"), JSON.stringify({ ...index, train }));
  assertThrows(
    () => verifyPrepared(desk.of("out")),
    UserError,
    "its tokens of train have the hash",
  );
});

Deno.test("a folder whose tokenizer or index was altered is refused", async () => {
  using desk = new Desk();
  desk.write("a.txt", someText(100));
  const { index } = await desk.prepare(["a.txt"]);
  const [tokenizer, path] = [desk.of("out/tokenizer.shoal.json"), desk.of("out/index.json")];
  const spec = Deno.readTextFileSync(tokenizer);
  const refused = (says: string) =>
    assertEquals(assertThrows(() => openPrepared(desk.of("out")), UserError, says).exit, "data");
  Deno.writeTextFileSync(tokenizer, '{"kind":"byte"}');
  refused(`the folder's ${index?.tokenizer.hash}`);
  Deno.writeTextFileSync(tokenizer, '{"kind":"bites"}');
  refused("tokenizer.shoal.json");
  Deno.removeSync(tokenizer);
  refused("it is missing");
  Deno.writeTextFileSync(tokenizer, spec);
  const text = Deno.readTextFileSync(path);
  const changes: readonly (readonly [string, string | RegExp, string])[] = [
    ["need JSON", /}\s*$/, ""],
    ["Unrecognized key", '"options"', '"more": 1, "options"'],
    ["is not the name of a shard", SHARD, `../${SHARD}`],
    ["does not match its own hash", /"hash": "[0-9a-f]{64}"/, `"hash": "${"0".repeat(64)}"`],
    ["its index says", /"train": {\s+"tokens": /, '"train": { "tokens": 1'],
  ];
  const bare = text.replace(/,\s+"seal": "[0-9a-f]{64}"/, "");
  for (const [says, from, to] of changes) {
    Deno.writeTextFileSync(path, text.replace(from, to));
    refused(says === "need JSON" ? says : "does not match its seal");
    // A forged or missing seal does not disable the other checks.
    Deno.writeTextFileSync(path, bare.replace(from, to));
    refused(says);
  }
  Deno.writeTextFileSync(path, bare);
  openPrepared(desk.of("out"));
  Deno.writeTextFileSync(path, text);
  openPrepared(desk.of("out"));
});

Deno.test("a folder that is not finished is refused by that name", () => {
  using desk = new Desk();
  desk.write("out/progress.json", "{}");
  assertThrows(() => openPrepared(desk.of("out")), UserError, "its preparation is not finished");
});
