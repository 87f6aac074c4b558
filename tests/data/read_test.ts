/** Reading texts: the default, byte order marks, and files that are not text. */
import { assertEquals, assertGreater, assertRejects } from "@std/assert";
import { UserError } from "../../src/base/user_error.ts";
import { readText, readTokenizerFile } from "../../src/data/read.ts";

/** The error of `readText` for a file of these bytes. */
async function refusalFor(bytes: readonly number[]): Promise<UserError> {
  return await withFile(
    Uint8Array.from(bytes),
    (path) => assertRejects(() => readText(path), UserError),
  );
}

async function withFile<T>(bytes: Uint8Array, use: (path: string) => Promise<T>): Promise<T> {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeFile(path, bytes);
    return await use(path);
  } finally {
    await Deno.remove(path);
  }
}

const bytesOf = (text: string) => Array.from(new TextEncoder().encode(text));

Deno.test("readText() takes null for the default text", async () => {
  assertGreater((await readText(null)).length, 1_200_000);
});

Deno.test("readText() drops a byte order mark and keeps line ends", async () => {
  const bytes = Uint8Array.of(0xef, 0xbb, 0xbf, ...bytesOf("ä\r\n🐋"));
  assertEquals(await withFile(bytes, readText), "ä\r\n🐋");
});

Deno.test("readTokenizerFile() gives a value, and refuses in one line what is no JSON", async () => {
  const of = (text: string) =>
    withFile(Uint8Array.from(bytesOf(text)), async (path) => (await readTokenizerFile(path)).json);
  assertEquals(await of('\ufeff{"a": [1]}'), { a: [1] });
  for (const text of ["{", "", '{"a": \n}', "[".repeat(10 ** 6)]) {
    const refusal = await assertRejects(() => of(text), UserError, "need JSON");
    assertEquals([refusal.exit, refusal.message.includes("\n")], ["data", false]);
  }
});

Deno.test("readText() refuses a missing file as missing input", async () => {
  const dir = await Deno.makeTempDir();
  const file = await Deno.makeTempFile({ dir });
  for (const path of [`${dir}/none.txt`, `${file}/below.txt`]) {
    const refusal = await assertRejects(() => readText(path), UserError, path);
    assertEquals(refusal.exit, "noInput");
  }
  await Deno.remove(dir, { recursive: true });
});

Deno.test("readText() refuses a directory and an empty file", async () => {
  const dir = await Deno.makeTempDir();
  const refusal = await assertRejects(() => readText(dir), UserError, "it is a directory");
  assertEquals(refusal.exit, "data");
  await Deno.remove(dir);
  for (const bytes of [[], [0xef, 0xbb, 0xbf]]) {
    const empty = await refusalFor(bytes);
    assertEquals([empty.exit, empty.message.includes("is empty")], ["data", true]);
  }
});

Deno.test("readText() names the byte at which a file stops being UTF-8", async () => {
  const long = bytesOf("Ünï🐋".repeat(1000));
  const cases: readonly (readonly [readonly number[], number])[] = [
    [[0xff, 0x61, 0x62], 0],
    [[0x61, 0x62, 0xff, 0x63], 2],
    [[...long, 0xc0, 0x61], long.length],
    // A second byte that cannot follow is itself the fault.
    [[0x61, 0xe2, 0x28, 0xa1], 2],
    // A character cut off by the end of the file.
    [[...long, 0xf0, 0x9f], long.length + 2],
    [[0xc3], 1],
  ];
  for (const [bytes, offset] of cases) {
    const refusal = await refusalFor(bytes);
    assertEquals(refusal.exit, "data");
    assertEquals(
      refusal.message.includes(`need UTF-8 text: byte ${offset} is not`),
      true,
      refusal.message,
    );
  }
});
