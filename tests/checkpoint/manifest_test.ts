import { assertEquals, assertThrows } from "@std/assert";
import { hashValue } from "../../src/base/hash.ts";
import { Damage } from "../../src/checkpoint/damage.ts";
import {
  completeManifest,
  type Manifest,
  parseManifest,
  printManifest,
} from "../../src/checkpoint/manifest.ts";
import { draftOf, hashOf } from "./fixture.ts";

const file = (name: string) => ({ name, bytes: 64, sha256: hashValue(name) });

function manifest(): Manifest {
  const files = [file("model.safetensors"), file("optimizer.safetensors")];
  const draft = draftOf(200);
  return completeManifest(draft.manifest, { stateHash: hashOf(draft), files });
}

/** The text of a manifest with changed fields and a matching seal. */
function forged(fields: Record<string, unknown>): string {
  const value = { ...manifest(), ...fields };
  return JSON.stringify({ ...value, seal: hashValue(value) });
}

Deno.test("a manifest survives printing and parsing", () => {
  assertEquals(parseManifest(printManifest(manifest())), manifest());
});

/** Fields added to format 1 later. */
const LATER = ["adapterInfo", "shaders", "kernels", "probe", "skipped", "valLoss"];

Deno.test("parseManifest() reads the first manifests of format 1, with defaults for missing fields", () => {
  const url = new URL("manifest_first.json", import.meta.url);
  const text = Deno.readTextFileSync(url);
  const { seal: _, ...written } = JSON.parse(text);
  for (const key of LATER) assertEquals(key in written, false);
  const parsed = parseManifest(text);
  const unsaid = { shaders: "", kernels: "", probe: "", skipped: [], valLoss: null };
  assertEquals(parsed, { ...written, ...unsaid });
  assertEquals(parseManifest(printManifest(parsed)), parsed);
  const lie = text.replace('"tokens": 12800', '"tokens": 12801');
  assertThrows(() => parseManifest(lie), Damage, "does not match its seal");
});

Deno.test("parseManifest() accepts a seal over the fields that are present", () => {
  const { shaders: _, ...without } = manifest();
  const text = JSON.stringify({ ...without, seal: hashValue(manifest()) });
  assertThrows(() => parseManifest(text), Damage, "does not match its seal");
});

Deno.test("completeManifest() adds defaults for fields that a draft omits", () => {
  const {
    adapterInfo: _a,
    shaders: _b,
    skipped: _c,
    valLoss: _d,
    kernels: _e,
    probe: _f,
    ...draft
  } = draftOf(200).manifest;
  const rest = { stateHash: hashValue(1), files: [] };
  const complete = completeManifest({ ...draft, adapterInfo: undefined }, rest);
  assertEquals(complete, {
    ...draft,
    ...rest,
    format: 1,
    shaders: "",
    kernels: "",
    probe: "",
    skipped: [],
    valLoss: null,
  });
  for (const valLoss of [NaN, Infinity, null]) {
    assertEquals(completeManifest({ ...draft, valLoss }, rest).valLoss, null);
  }
  assertEquals(completeManifest({ ...draft, valLoss: 0 }, rest).valLoss, 0);
});

Deno.test("parseManifest() refuses text that is not a manifest", () => {
  for (const text of ["", "[]", "null", "{}", '{"format":2}', "{".repeat(1000)]) {
    assertThrows(() => parseManifest(text), Damage, "manifest.json");
  }
  const twice = printManifest(manifest()).replace("{", '{"step":1,');
  assertThrows(() => parseManifest(twice), Damage, 'the key "step" twice');
});

Deno.test("parseManifest() names the field that is wrong", () => {
  const wrong: [string, unknown][] = [
    ["format", 2],
    ["step", -1],
    ["step", 1.5],
    ["step", 2 ** 53],
    ["tokens", "12"],
    ["workers", 0],
    ["microBatches", 0],
    ["configHash", "abc"],
    ["stateHash", hashValue(1).toUpperCase()],
    ["position", { window: 1, more: 2 }],
    ["adapterInfo", { driver: 1 }],
    ["shaders", null],
    ["kernels", 8],
    ["skipped", [1.5]],
    ["skipped", [-1]],
    ["valLoss", "2"],
    ["files", {}],
  ];
  for (const [field, value] of wrong) {
    assertThrows(() => parseManifest(forged({ [field]: value })), Damage, `not valid: ${field}`);
  }
  assertThrows(() => parseManifest(forged({ more: 1 })), Damage, "more");
});

Deno.test("parseManifest() refuses file names that could lead outside the folder", () => {
  for (const name of ["../x", "a/b", "/etc/x", "..", ".", "", "a\\b", ".x", "a\0"]) {
    const files = [file("model.safetensors"), file(name)];
    assertThrows(() => parseManifest(forged({ files })), Damage, "not a plain file name");
  }
});

Deno.test("parseManifest() refuses any other list of files", () => {
  const model = file("model.safetensors");
  for (const files of [[], [model], [model, model], [...manifest().files, file("x")]]) {
    assertThrows(() => parseManifest(forged({ files })), Damage, "must list");
  }
});

Deno.test("parseManifest() detects every flipped bit", () => {
  const bytes = new TextEncoder().encode(printManifest(manifest()));
  for (let i = 0; i < bytes.length * 8; i++) {
    const flipped = bytes.slice();
    flipped[i >> 3] = (flipped[i >> 3] ?? 0) ^ (1 << (i & 7));
    assertThrows(() => parseManifest(new TextDecoder().decode(flipped)), Damage);
  }
});
