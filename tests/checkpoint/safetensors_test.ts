import { assert, assertEquals, assertRejects } from "@std/assert";
import { bytesOf, sha256 } from "../../src/base/hash.ts";
import { Damage } from "../../src/checkpoint/damage.ts";
import { readSafetensors, writeSafetensors } from "../../src/checkpoint/tensors/safetensors.ts";
import { runToEnd } from "../../src/checkpoint/tensors/chunks.ts";
import { nonFiniteTensors } from "../../src/checkpoint/tensors/tensor.ts";
import { TempFolder, tensor } from "./fixture.ts";

Deno.test("safetensors keep names, shapes, metadata and every bit", async () => {
  using temp = new TempFolder();
  const path = `${temp.path}/a.safetensors`;
  const odd = new Float32Array([NaN, Infinity, -Infinity, -0, 1e-45, 3.4e38]);
  bytesOf(odd).set([0x01, 0x00, 0x80, 0x7f]); // A signalling NaN.
  const before = odd.slice();
  const tensors = [
    tensor("z.w", [2, 3], 5),
    { name: "odd", shape: [6], data: odd },
    tensor("1", []),
    tensor("empty", [0, 3]),
  ];
  const metadata: Record<string, string> = { note: "größer\n" };
  const digest = await writeSafetensors(path, tensors, { metadata });
  const file = Deno.readFileSync(path);
  assertEquals(digest, { bytes: file.length, sha256: sha256(file) });
  const read = await readSafetensors(path, { expect: digest });
  assertEquals({ ...read.metadata }, metadata);
  assertEquals([...read.tensors.keys()], tensors.map(({ name }) => name));
  for (const { name, shape, data } of tensors) {
    const got = read.tensors.get(name);
    assert(got !== undefined);
    assertEquals(got.shape, shape);
    assertEquals(bytesOf(got.data), bytesOf(name === "odd" ? before : data));
  }
});

Deno.test("writeSafetensors() never writes over a file", async () => {
  using temp = new TempFolder();
  const path = `${temp.path}/a`;
  Deno.writeTextFileSync(path, "mine");
  await assertRejects(() => writeSafetensors(path, []), Deno.errors.AlreadyExists);
  assertEquals(Deno.readTextFileSync(path), "mine");
});

Deno.test("readSafetensors() refuses a file that is missing, longer or altered", async () => {
  using temp = new TempFolder();
  const path = `${temp.path}/a`;
  const what = "a";
  await assertRejects(() => readSafetensors(path, { what }), Damage, "a is missing");
  const expect = await writeSafetensors(path, [tensor("w", [4])]);
  const longer = { ...expect, bytes: expect.bytes + 1 };
  await assertRejects(
    () => readSafetensors(path, { what, expect: longer }),
    Damage,
    `a has ${expect.bytes} bytes, not ${expect.bytes + 1}`,
  );
  const other = { ...expect, sha256: sha256(new Uint8Array()) };
  await assertRejects(
    () => readSafetensors(path, { what, expect: other }),
    Damage,
    "a does not match its SHA-256",
  );
});

Deno.test("readSafetensors() reads unaligned data", async () => {
  using temp = new TempFolder();
  const path = `${temp.path}/a`;
  for (const pad of [0, 1, 2, 3]) {
    const json = '{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}' + " ".repeat(pad);
    const file = new Uint8Array(8 + json.length + 8);
    new DataView(file.buffer).setBigUint64(0, BigInt(json.length), true);
    file.set(new TextEncoder().encode(json), 8);
    file.set(bytesOf(new Float32Array([1.5, -2])), 8 + json.length);
    Deno.writeFileSync(path, file);
    const { tensors } = await readSafetensors(path);
    assertEquals(tensors.get("w")?.data, new Float32Array([1.5, -2]));
  }
});

Deno.test("readSafetensors() refuses a header before allocating memory for the data", async () => {
  using temp = new TempFolder();
  const path = `${temp.path}/a`;
  const size = 2 ** 40; // Holes take no room on disk; in memory this could not be had.
  const headers: [string, string][] = [
    ["{}", `a has ${size - 10} bytes of data: its header names 0`],
    ["[]", "a has a header that does not open with {"],
    ['{"w":{"dtype":"F16","shape":[1],"data_offsets":[0,2]}}', "a dtype other than F32"],
    ['{"w":{"dtype":"F32","shape":[9],"data_offsets":[4,40]}}', "a hole before tensor w"],
  ];
  for (const [json, reason] of headers) {
    const prefix = new Uint8Array(8);
    new DataView(prefix.buffer).setBigUint64(0, BigInt(json.length), true);
    Deno.writeFileSync(path, new Uint8Array([...prefix, ...new TextEncoder().encode(json)]));
    Deno.truncateSync(path, size);
    await assertRejects(() => readSafetensors(path, { what: "a" }), Damage, reason);
  }
  Deno.writeFileSync(path, new Uint8Array(8).fill(0xff));
  Deno.truncateSync(path, size);
  await assertRejects(() => readSafetensors(path, { what: "a" }), Damage, "claims a header of");
  for (let n = 0; n < 10; n++) {
    Deno.writeFileSync(path, new Uint8Array([3, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0x7d]).subarray(0, n));
    const reason = n < 8 ? "a is too short for a header" : "a is shorter than its header";
    await assertRejects(() => readSafetensors(path, { what: "a" }), Damage, reason);
  }
});

Deno.test("nonFinite() names the tensor and the element", () => {
  const bad = { name: "b", shape: [3], data: new Float32Array([0, 1, -Infinity]) };
  assertEquals(runToEnd(nonFiniteTensors([tensor("a", [2])])), undefined);
  assertEquals(runToEnd(nonFiniteTensors([tensor("a", [2]), bad])), {
    name: "b",
    index: 2,
    value: -Infinity,
  });
});
