/** Foreign files in a checkpoint, and links in place of its files. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { UserError } from "../../src/base/user_error.ts";
import { saveCheckpoint } from "../../src/checkpoint/commit.ts";
import { Damage } from "../../src/checkpoint/damage.ts";
import { listCheckpoints, loadNewest } from "../../src/checkpoint/load.ts";
import { MANIFEST, MANIFEST_PARTS } from "../../src/checkpoint/manifest.ts";
import { applyRetention, cleanLeftovers, setAsideAfter } from "../../src/checkpoint/retention.ts";
import { VerifiedSteps } from "../../src/checkpoint/verified.ts";
import { openCheckpoint } from "../../src/checkpoint/verify.ts";
import { mkfifo } from "../support/pipe.ts";
import { draftOf, names, TempFolder } from "./fixture.ts";

const FILES = [MANIFEST, ...MANIFEST_PARTS];
const STEP = "step-00000200";

/** An irregularity among the checkpoints in `root`, which has steps 100 and 200. */
interface Oddity {
  readonly odd: string;
  readonly make: (root: string) => void;
}

/** Files that systems, editors and users leave in folders. */
const STRANGERS = [
  ".DS_Store",
  "._model.safetensors",
  "desktop.ini",
  ".nfs000000000123",
  "manifest.json~",
  ".manifest.json.swp",
  "#manifest.json#",
  "notes.txt",
];

/** Moves a path out of the checkpoints and puts a link in its place. */
function moveOut(root: string, name: string): void {
  const away = `${root}.away-${name.replaceAll("/", "-")}`;
  Deno.renameSync(`${root}/${name}`, away);
  Deno.symlinkSync(away, `${root}/${name}`);
}

const HARMLESS: readonly Oddity[] = [
  ...STRANGERS.flatMap((name): Oddity[] => [
    {
      odd: `${name} in a step`,
      make: (root) => Deno.writeTextFileSync(`${root}/${STEP}/${name}`, "x"),
    },
    {
      odd: `${name} beside the steps`,
      make: (root) => Deno.writeTextFileSync(`${root}/${name}`, "x"),
    },
  ]),
  ...["old", ".snapshot", "step-00000200"].map((name): Oddity => ({
    odd: `a folder ${name} in a step`,
    make: (root) => Deno.mkdirSync(`${root}/${STEP}/${name}/more`, { recursive: true }),
  })),
  ...["step-00000300 copy", "step-00000300.bak", "._step-00000300", ".Trash-0", ".tmp-mine"].map(
    (name): Oddity => ({
      odd: `a folder ${name} beside the steps`,
      make: (root) => Deno.mkdirSync(`${root}/${name}/more`, { recursive: true }),
    }),
  ),
  {
    odd: "a link to nothing in a step",
    make: (root) => Deno.symlinkSync("gone", `${root}/${STEP}/x`),
  },
  ...FILES.map((name): Oddity => ({
    odd: `${name} as a link`,
    make: (root) => moveOut(root, `${STEP}/${name}`),
  })),
  { odd: "a step as a link", make: (root) => moveOut(root, STEP) },
  {
    odd: "a link to a link",
    make(root) {
      moveOut(root, STEP);
      moveOut(root, `${STEP}/${MANIFEST}`);
    },
  },
  {
    odd: "all steps behind one link",
    make(root) {
      Deno.renameSync(root, `${root}.away`);
      Deno.symlinkSync(`${root}.away`, root);
    },
  },
];

/** Creates steps 100 and 200 with an irregularity. */
async function oddly({ make }: Oddity, root: string): Promise<void> {
  for (const step of [100, 200]) await saveCheckpoint(root, draftOf(step));
  make(root);
}

const refuseToSkip = (path: string, reason: string) => {
  throw new Error(`${path}: ${reason}`);
};

Deno.test("files that a manifest does not list are ignored, and links are followed", async () => {
  for (const oddity of HARMLESS) {
    using temp = new TempFolder();
    const root = `${temp.path}/checkpoints`;
    await oddly(oddity, root);
    const before = names(root);
    const { odd } = oddity;
    assertEquals(await cleanLeftovers(root), [], odd);
    const { manifest } = await loadNewest(root, { onSkip: refuseToSkip });
    assertEquals(manifest.step, 200, odd);
    assertEquals(await new VerifiedSteps().check(`${root}/${STEP}`), true, odd);
    assertEquals(names(root), before, odd);
    // A step that is saved again is kept, and the next one is saved.
    await saveCheckpoint(root, draftOf(200));
    await saveCheckpoint(root, draftOf(300));
    assertEquals(await applyRetention(root, 2), [100], odd);
    assertEquals((await listCheckpoints(root)).map(({ step }) => step), [300, 200], odd);
  }
});

/** Every path below a folder that is no link, and what the files hold. */
function treeOf(path: string): string[] {
  return [...Deno.readDirSync(path)].flatMap(({ name, isDirectory, isFile }) => {
    const whole = `${path}/${name}`;
    if (isFile) return [`${name} ${Deno.readFileSync(whole).length}`];
    return isDirectory ? [name, ...treeOf(whole)] : [];
  }).sort();
}

Deno.test("removing a checkpoint removes links but not their targets", async () => {
  const removals: readonly [string, (root: string) => Promise<unknown>][] = [
    ["retention", (root) => applyRetention(root, 1)],
    ["steps that are given up, once newer ones verify", async (root) => {
      await setAsideAfter(root, 50);
      for (const step of [400, 500]) await saveCheckpoint(root, draftOf(step));
      assert(names(root).some((name) => name.startsWith(".undone-step-00000100-")));
      await applyRetention(root, 1);
    }],
    ["what a killed process left", async (root) => {
      await Deno.rename(`${root}/step-00000100`, `${root}/.trash-step-00000100-a`);
      await Deno.rename(`${root}/step-00000200`, `${root}/.tmp-step-00000200-b`);
      await cleanLeftovers(root);
    }],
  ];
  for (const [removal, remove] of removals) {
    using temp = new TempFolder();
    const root = `${temp.path}/checkpoints`;
    for (const step of [100, 200, 300]) await saveCheckpoint(root, draftOf(step));
    Deno.mkdirSync(`${temp.path}/mine/deep`, { recursive: true });
    Deno.writeTextFileSync(`${temp.path}/mine/deep/thesis.txt`, "years of work");
    Deno.symlinkSync(`${temp.path}/mine`, `${root}/step-00000200/notes`);
    moveOut(root, "step-00000100");
    moveOut(root, `step-00000200/${MANIFEST_PARTS[0]}`);
    const kept = [
      `${temp.path}/mine`,
      `${temp.path}/checkpoints.away-step-00000100`,
    ].map((path) => [path, treeOf(path)] as const);
    const file = `${temp.path}/checkpoints.away-step-00000200-${MANIFEST_PARTS[0]}`;
    const { size } = Deno.statSync(file);
    await remove(root);
    assert(!names(root).some((name) => /0000[12]00/.test(name)), removal);
    for (const [path, tree] of kept) assertEquals(treeOf(path), tree, removal);
    assertEquals(Deno.statSync(file).size, size, removal);
  }
});

const NOWHERE: readonly Oddity[] = [
  ...FILES.map((name): Oddity => ({
    odd: name,
    make(root) {
      Deno.removeSync(`${root}/${STEP}/${name}`);
      Deno.symlinkSync("/nowhere/at/all", `${root}/${STEP}/${name}`);
    },
  })),
  {
    odd: "a step",
    make(root) {
      Deno.renameSync(`${root}/${STEP}`, `${root}.away`);
      Deno.symlinkSync("/nowhere/at/all", `${root}/${STEP}`);
    },
  },
  {
    odd: "a link to itself",
    make(root) {
      Deno.renameSync(`${root}/${STEP}`, `${root}.away`);
      Deno.symlinkSync(STEP, `${root}/${STEP}`);
    },
  },
  {
    odd: "the folder of all steps",
    make(root) {
      Deno.renameSync(root, `${root}.away`);
      Deno.symlinkSync("/nowhere/at/all", root);
    },
  },
];

Deno.test("a dangling link is refused, not set aside: its disk may be mounted later", async () => {
  for (const oddity of NOWHERE) {
    using temp = new TempFolder();
    const root = `${temp.path}/checkpoints`;
    await oddly(oddity, root);
    const load = () => loadNewest(root, { onSkip: refuseToSkip });
    const error = await assertRejects(load, UserError, root);
    assertEquals(error.exit, "noInput", oddity.odd);
    assert(/link/.test(error.message), error.message);
    if (oddity.odd === "the folder of all steps") continue;
    assertEquals(names(root), ["step-00000100", STEP], oddity.odd);
    const skipped: string[] = [];
    const { manifest } = await loadNewest(root, {
      quarantine: false,
      onSkip: (_, reason) => void skipped.push(reason),
    });
    assertEquals([manifest.step, skipped.length], [100, 1], oddity.odd);
    assertEquals(await new VerifiedSteps().check(`${root}/${STEP}`), false, oddity.odd);
  }
});

Deno.test("a named pipe instead of a file is damage, and does not block", async () => {
  using temp = new TempFolder();
  await saveCheckpoint(temp.path, draftOf(100));
  const { path } = await saveCheckpoint(temp.path, draftOf(200));
  Deno.removeSync(`${path}/${MANIFEST_PARTS[0]}`);
  mkfifo(`${path}/${MANIFEST_PARTS[0]}`);
  const skipped: string[] = [];
  const onSkip = (_: string, reason: string) => void skipped.push(reason);
  assertEquals((await loadNewest(temp.path, { onSkip })).manifest.step, 100);
  assertEquals(skipped, [`${MANIFEST_PARTS[0]} is not a plain file`]);
});

Deno.test("a checkpoint may be opened under any name but that of another step", async () => {
  using temp = new TempFolder();
  const { path } = await saveCheckpoint(temp.path, draftOf(200));
  Deno.symlinkSync(path, `${temp.path}/latest`);
  await Deno.rename(path, `${temp.path}/best`);
  Deno.symlinkSync(`${temp.path}/best`, path);
  for (const name of ["latest", "best", STEP]) {
    assertEquals((await openCheckpoint(`${temp.path}/${name}`)).manifest.step, 200);
  }
  Deno.symlinkSync(`${temp.path}/best`, `${temp.path}/step-00000300`);
  await assertRejects(() => openCheckpoint(`${temp.path}/step-00000300`), Damage, "of step 200");
});
