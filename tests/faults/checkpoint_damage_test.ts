import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { fileURLToPath } from "node:url";
import { EXIT, UserError } from "../../src/base/user_error.ts";
import { saveCheckpoint } from "../../src/checkpoint/commit.ts";
import { Damage } from "../../src/checkpoint/damage.ts";
import { loadNewest } from "../../src/checkpoint/load.ts";
import {
  MANIFEST,
  type Manifest,
  MANIFEST_PARTS,
  printManifest,
} from "../../src/checkpoint/manifest.ts";
import { openCheckpoint } from "../../src/checkpoint/verify.ts";
import { draftOf, flipBit, names, TempFolder, tensor } from "../checkpoint/fixture.ts";
import { needing, STRACE } from "../support/needs.ts";

const FILES = [MANIFEST, ...MANIFEST_PARTS];

/** Changes one byte of a file; returns the error of opening its checkpoint. */
async function reasonWith(
  file: Deno.FsFile,
  { byte, bit, path }: { byte: number; bit: number; path: string },
): Promise<string> {
  const was = new Uint8Array(1);
  file.seekSync(byte, Deno.SeekMode.Start);
  file.readSync(was);
  const put = (value: number) => {
    file.seekSync(byte, Deno.SeekMode.Start);
    file.writeSync(new Uint8Array([value]));
  };
  put((was[0] as number) ^ (1 << bit));
  try {
    return (await assertRejects(() => openCheckpoint(path), Damage)).message;
  } finally {
    put(was[0] as number);
  }
}

for (const name of FILES) {
  Deno.test(`a flipped bit is found at every byte of a small ${name}`, async () => {
    using temp = new TempFolder();
    const { path } = await saveCheckpoint(temp.path, draftOf(1));
    using file = Deno.openSync(`${path}/${name}`, { read: true, write: true });
    const { size } = file.statSync();
    for (let byte = 0; byte < size; byte++) {
      const reason = await reasonWith(file, { byte, bit: byte % 8, path });
      assert(reason.includes(name), reason);
    }
    await openCheckpoint(path);
  });
}

Deno.test("a flipped bit is found in a file that is read in several pieces", async () => {
  using temp = new TempFolder();
  const draft = draftOf(1);
  const model = [tensor("w", [3 * 2 ** 19])]; // 6 MiB, read 4 MiB at a time.
  const { path } = await saveCheckpoint(temp.path, { ...draft, model });
  using file = Deno.openSync(`${path}/${MANIFEST_PARTS[0]}`, { read: true, write: true });
  const { size } = file.statSync();
  const edge = 4 * 2 ** 20;
  const header = size - 6 * 2 ** 20;
  for (const at of [0, edge - 1, edge, edge + 1, 6 * 2 ** 20 - 1]) {
    const reason = await reasonWith(file, { byte: header + at, bit: at % 8, path });
    assertEquals(reason, `${MANIFEST_PARTS[0]} does not match its SHA-256`);
  }
  await openCheckpoint(path);
});

/** Rewrites the manifest with a matching seal, as anyone could who knows the format. */
function forge(path: string, change: (manifest: Manifest) => unknown): void {
  const file = `${path}/${MANIFEST}`;
  const { seal: _, ...manifest } = JSON.parse(Deno.readTextFileSync(file));
  Deno.writeTextFileSync(file, printManifest(change(manifest) as Manifest));
}

/** Lists `name` in place of the model's file, with its own size and hash. */
function lists(name: string): (manifest: Manifest) => unknown {
  return (manifest) => ({
    ...manifest,
    files: manifest.files.map((file) => file.name === MANIFEST_PARTS[0] ? { ...file, name } : file),
  });
}

const ILLS: readonly { ill: string; spoil: (path: string) => void; says: RegExp }[] = [
  ...FILES.map((name) => ({
    ill: `${name} cut in half`,
    spoil: (path: string) => {
      Deno.truncateSync(`${path}/${name}`, Deno.statSync(`${path}/${name}`).size >> 1);
    },
    says: name === MANIFEST
      ? /^manifest.json is not valid JSON$/
      : RegExp(`^${name} has \\d+ bytes`),
  })),
  ...FILES.map((name) => ({
    ill: `${name} emptied`,
    spoil: (path: string) => Deno.truncateSync(`${path}/${name}`, 0),
    says: name === MANIFEST ? /^manifest.json is not valid JSON$/ : RegExp(`^${name} has 0 bytes`),
  })),
  ...FILES.map((name) => ({
    ill: `${name} deleted`,
    spoil: (path: string) => Deno.removeSync(`${path}/${name}`),
    says: RegExp(`^${name} is missing$`),
  })),
  ...FILES.map((name) => ({
    ill: `${name} replaced by a link to other bytes outside`,
    spoil: (path: string) => {
      Deno.renameSync(`${path}/${name}`, `${path}/../outside-${name}`);
      flipBit(`${path}/../outside-${name}`, { byte: -10 });
      Deno.symlinkSync(`../outside-${name}`, `${path}/${name}`);
    },
    says: name === MANIFEST
      ? /^manifest.json (is not valid|does not match its seal)/
      : RegExp(`^${name} does not match its SHA-256$`),
  })),
  ...FILES.map((name) => ({
    ill: `a folder in the place of ${name}`,
    spoil: (path: string) => {
      Deno.removeSync(`${path}/${name}`);
      Deno.mkdirSync(`${path}/${name}`);
    },
    says: RegExp(`^${name} is not a plain file$`),
  })),
  {
    ill: "the manifest {}",
    spoil: (path) => Deno.writeTextFileSync(`${path}/${MANIFEST}`, "{}"),
    says: /^manifest.json is not valid: format: /,
  },
  {
    ill: "a path that leads out of the folder",
    spoil: (path) => {
      Deno.copyFileSync(`${path}/${MANIFEST_PARTS[0]}`, `${path}/../x`);
      forge(path, lists("../x"));
    },
    says: /^manifest.json is not valid: files.0.name: is not a plain file name$/,
  },
  {
    ill: "a file of another name in the list",
    spoil: (path) => forge(path, lists("other")),
    says: /^manifest.json must list .*: it lists optimizer.safetensors, other$/,
  },
  {
    ill: "another step",
    spoil: (path) => forge(path, (manifest) => ({ ...manifest, step: 7 })),
    says: /^manifest.json is of step 7, the folder is step-00000200$/,
  },
  {
    ill: "another state hash",
    spoil: (path) => forge(path, (manifest) => ({ ...manifest, stateHash: "0".repeat(64) })),
    says: /^The state does not match its hash$/,
  },
];

Deno.test("whatever is wrong is said, set aside, and the step before it loads", async () => {
  const reasons = new Map<string, string>();
  for (const { ill, spoil, says } of ILLS) {
    using temp = new TempFolder();
    await saveCheckpoint(temp.path, draftOf(100));
    const { path } = await saveCheckpoint(temp.path, draftOf(200));
    spoil(path);
    const skipped: string[] = [];
    const onSkip = (_: string, reason: string) => void skipped.push(reason);
    assertEquals((await loadNewest(temp.path, { onSkip })).manifest.step, 100, ill);
    assertEquals(skipped.length, 1, ill);
    assertMatch(skipped[0] ?? "", says);
    const left = names(temp.path).filter((name) => name.includes("step-"));
    assertEquals(left.length, 2, ill);
    assertMatch(left[0] ?? "", /^\.corrupt-step-00000200-/);
    reasons.set(ill, skipped[0] ?? "");
  }
  // Distinct but for a manifest cut in half and an emptied one.
  assertEquals(new Set(reasons.values()).size, ILLS.length - 1);
});

Deno.test("a run with nothing but damaged checkpoints is refused, and they are set aside", async () => {
  for (const { ill, spoil } of ILLS) {
    using temp = new TempFolder();
    const { path } = await saveCheckpoint(temp.path, draftOf(200));
    spoil(path);
    const load = () => loadNewest(temp.path, { onSkip: () => {} });
    const error = await assertRejects(load, UserError, "verifies: 1 are damaged");
    assertEquals(EXIT[error.exit], 78, ill);
    const left = names(temp.path).filter((name) => name.includes("step-"));
    assertEquals(left.length, 1, ill);
    assertMatch(left[0] ?? "", /^\.corrupt-/);
  }
});

Deno.test({
  ...needing("nothing outside a checkpoint is opened, whatever its manifest says", STRACE),
  fn: async () => {
    using temp = new TempFolder();
    const { path } = await saveCheckpoint(`${temp.path}/root`, draftOf(200));
    Deno.copyFileSync(`${path}/${MANIFEST_PARTS[0]}`, `${temp.path}/secret`);
    forge(path, lists("../../secret"));
    const log = `${temp.path}/log`;
    const script = fileURLToPath(new URL("./children/load_child.ts", import.meta.url));
    const run = [Deno.execPath(), "run", "--quiet", "--no-prompt", "--no-check", "-A", script];
    const { code } = await new Deno.Command("strace", {
      args: ["-f", "-qq", "-e", "trace=open,openat", "-o", log, ...run, `${temp.path}/root`],
      stdout: "null",
      stderr: "null",
    }).output();
    assertEquals(code, 78);
    const opened = [...Deno.readTextFileSync(log).matchAll(/"([^"]*)"/g)].map(([, file]) => file);
    assert(opened.some((file) => file?.endsWith(MANIFEST)));
    assertEquals(opened.filter((file) => file?.includes("secret")), []);
  },
});
