/**
 * Forged checkpoints with valid hashes that are no state of a run. Each is refused in one line, and
 * the previous one is loaded.
 */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { openModel } from "../../src/artifacts/model.ts";
import { openValidated } from "../../src/artifacts/validate_state.ts";
import { sha256 } from "../../src/base/hash.ts";
import { UserError } from "../../src/base/user_error.ts";
import { saveCheckpoint } from "../../src/checkpoint/commit.ts";
import { Damage } from "../../src/checkpoint/damage.ts";
import { MANIFEST_PARTS } from "../../src/checkpoint/manifest.ts";
import { stepName } from "../../src/checkpoint/names.ts";
import { newestOf } from "../../workers/run/resume.ts";
import { names, TempFolder } from "../checkpoint/fixture.ts";
import { draftFor } from "../support/drafts.ts";
import { forge, FORGERIES, type Forgery, GPT, LSTM } from "./forgeries.ts";

/** The error of a forged checkpoint, checked at every place that opens it. */
async function lineOf(forgery: Forgery): Promise<string> {
  using temp = new TempFolder();
  const root = `${temp.path}/checkpoints`;
  const { of = GPT } = forgery;
  await saveCheckpoint(root, draftFor(of, { step: 1 }));
  const path = `${root}/${stepName(2)}`;
  await forge(path, draftFor(of, { step: 2 }), forgery);
  const { message } = await assertRejects(() => openValidated(path), Damage);
  assertMatch(message, forgery.says);
  assert(!message.includes("\n"));
  // One that is asked for by name, and the newest of a run: nothing is changed by looking.
  assertEquals((await assertRejects(() => openModel(path), UserError)).exit, "incompatible");
  const warned: string[] = [];
  assertEquals((await openModel(temp.path, { warn: (text) => warned.push(text) })).step, 1);
  assertEquals(warned, [`Skipped the damaged checkpoint ${path}: ${message}`]);
  assertEquals(names(root).length, 2);
  // A resume sets it aside.
  const shown: string[] = [];
  const found = await newestOf(temp.path, {
    skips: new Set(),
    lock: { check: () => {} },
    show: (event) => void (event.type === "notice" && shown.push(event.text)),
    note: () => {},
  });
  assertEquals([found?.manifest.step, shown[0]], [1, warned[0]]);
  assert(!names(root).includes(stepName(2)));
  return message;
}

Deno.test("whatever is forged of a checkpoint is named in one line, and the one before it is loaded", async () => {
  const lines = new Set<string>();
  const wrong: string[] = [];
  for (const [what, forgery] of Object.entries(FORGERIES)) {
    try {
      lines.add(await lineOf(forgery));
    } catch (error) {
      wrong.push(`${what}: ${error instanceof Error ? error.stack : error}`);
    }
  }
  assertEquals(wrong.join("\n"), "");
  assert(lines.size > 0.8 * Object.keys(FORGERIES).length, "the lines tell the faults apart");
});

Deno.test("a forged checkpoint is whole where nothing is forged: the forger is right about all else", async () => {
  for (const config of [GPT, LSTM]) {
    using temp = new TempFolder();
    const path = `${temp.path}/${stepName(2)}`;
    await forge(path, draftFor(config, { step: 2 }), { says: /./ });
    assertEquals((await openValidated(path)).manifest.step, 2);
    assertEquals(sha256(Deno.readFileSync(`${path}/${MANIFEST_PARTS[0]}`)).length, 64);
  }
});

Deno.test("checkpoints that another version may know are left where they are when there is no other", async () => {
  using temp = new TempFolder();
  const root = `${temp.path}/checkpoints`;
  const forgery = FORGERIES["a config with a key more"] as Forgery;
  for (const step of [1, 2]) {
    await forge(`${root}/${stepName(step)}`, draftFor(GPT, { step }), forgery);
  }
  const lock = { check: () => {} };
  const resume = () =>
    newestOf(temp.path, { skips: new Set(), show: () => {}, note: () => {}, lock });
  const error = await assertRejects(
    resume,
    UserError,
    `${stepName(2)}: manifest.json: its config is none`,
  );
  assertEquals(error.exit, "incompatible");
  assertEquals(names(root), [1, 2].map(stepName));
});

Deno.test("a checkpoint for which there is no memory is refused as that, and stays", async () => {
  using temp = new TempFolder();
  const root = `${temp.path}/checkpoints`;
  const path = `${root}/${stepName(1)}`;
  const bytes = 2 ** 43;
  // A hole of the file system: nothing of it is on the disk.
  await forge(path, draftFor(GPT, { step: 1 }), {
    manifest: (m) => ({ ...m, files: m.files.map((file) => ({ ...file, bytes })) }),
    says: /./,
  });
  const head = new TextEncoder().encode(
    JSON.stringify({
      "tokens.weight": { dtype: "F32", shape: [2 ** 41 - 64], data_offsets: [0, bytes - 256] },
    })
      .padEnd(248),
  );
  using file = Deno.openSync(`${path}/${MANIFEST_PARTS[0]}`, { write: true, truncate: true });
  file.writeSync(new Uint8Array(new BigUint64Array([248n]).buffer));
  file.writeSync(head);
  try {
    file.truncateSync(bytes);
  } catch {
    return; // This file system allows no file of that size.
  }
  const error = await assertRejects(() => openModel(path), UserError, "bytes of memory at once");
  assertEquals([error.exit, names(root)], ["tooLarge", [stepName(1)]]);
});
