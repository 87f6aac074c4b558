/** Folders of runs that somebody else has filled: what lies outside stays as it is. */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { EXIT, UserError } from "../../../src/base/user_error.ts";
import { RUN_PATHS } from "../../../src/checkpoint/path_kinds.ts";
import { names, TempFolder } from "../../checkpoint/fixture.ts";
import { contentsOf } from "../../support/contents.ts";
import { makePipe } from "../../support/pipe.ts";
import { copyFolder, RunFolder } from "../../support/run_folder.ts";

/** Files that a run writes, with its lock: opening them must not block. */
const PLACES = [".lock", ...RUN_PATHS.files, ...RUN_PATHS.folders];
/** What a run removes, or writes for a moment. */
const PASSING = [
  ...RUN_PATHS.files.map((name) => `.${name}.tmp`),
  ".control.tmp",
  "checkpoints/.tmp-step-00000002-a",
  "checkpoints/.trash-step-00000002-b",
];

/** Files of the user, in the folder `mine`: one, and a run with checkpoints of its own. */
function putMine(mine: string, run: string): void {
  Deno.mkdirSync(mine);
  Deno.writeTextFileSync(`${mine}/thesis.txt`, "years of work\n");
  copyFolder(run, `${mine}/run`);
  // What a save of the user's own run is writing.
  Deno.mkdirSync(`${mine}/run/checkpoints/.tmp-step-00000004-c`);
}

/** A run of two steps, which goes on in a copy of its folder. */
async function withRun(
  work: (place: RunFolder, begun: string) => Promise<void>,
): Promise<void> {
  using place = new RunFolder();
  const begun = `${place.path}/begun`;
  await place.train({ out: begun, until: 2 });
  for (const name of RUN_PATHS.files) {
    if (!names(begun).includes(name)) Deno.writeTextFileSync(`${begun}/${name}`, "");
  }
  await work(place, begun);
}

/** The error of a run that cannot go on. */
async function refusal(place: RunFolder, out: string): Promise<UserError> {
  const error = await assertRejects(() => place.train({ out, resume: true }), UserError);
  assertMatch(error.message, /^Cannot [^\n]+: need [^\n]+$/);
  return error;
}

Deno.test("a run goes on through no link in its folder, and says which", () =>
  withRun(async (place, begun) => {
    for (const name of PLACES) {
      for (const target of [`run/${name}`, "thesis.txt", "nowhere"]) {
        using temp = new TempFolder();
        const [run, mine] = [`${temp.path}/run`, `${temp.path}/mine`];
        copyFolder(begun, run);
        putMine(mine, begun);
        Deno.removeSync(`${run}/${name}`, { recursive: true });
        Deno.symlinkSync(`${mine}/${target}`, `${run}/${name}`);
        const before = contentsOf(temp.path);
        const { exit, message } = await refusal(place, run);
        assertEquals(EXIT[exit], 64, message);
        assert(message.includes(name) && message.includes("symbolic link"), message);
        const after = contentsOf(temp.path);
        // A run that is refused may have been locked.
        for (const tree of [before, after]) if (name !== ".lock") delete tree["run/.lock"];
        assertEquals(after, before, `${name} -> ${target}`);
      }
    }
  }));

Deno.test("what a run removes or writes for a moment is never reached through a link", () =>
  withRun(async (place, begun) => {
    await place.train();
    for (const target of ["thesis.txt", "run/checkpoints", "nowhere"]) {
      using temp = new TempFolder();
      const [run, mine] = [`${temp.path}/run`, `${temp.path}/mine`];
      copyFolder(begun, run);
      putMine(mine, begun);
      for (const name of PASSING) Deno.symlinkSync(`${mine}/${target}`, `${run}/${name}`);
      const before = contentsOf(mine);
      await place.train({ out: run, resume: true });
      assertEquals(contentsOf(mine), before, target);
      assertEquals(place.hashOf(run), place.hashOf(), target);
    }
  }));

Deno.test("a backup by hard links stays as it was when the run goes on", () =>
  withRun(async (place, begun) => {
    await place.train();
    using temp = new TempFolder();
    const [run, backup] = [`${temp.path}/run`, `${temp.path}/backup`];
    copyFolder(begun, run);
    copyFolder(run, backup, "-l");
    const before = contentsOf(backup);
    // Two folders with one lock file would be locked together.
    assertMatch((await refusal(place, run)).message, /\.lock has a second name/);
    Deno.removeSync(`${run}/.lock`);
    await place.train({ out: run, resume: true });
    assertEquals(contentsOf(backup), before);
    assertEquals(place.hashOf(run), place.hashOf());
  }));

Deno.test("a run waits for no named pipe in its folder, and says which", () =>
  withRun(async (place, begun) => {
    for (const name of PLACES) {
      using temp = new TempFolder();
      const run = `${temp.path}/run`;
      copyFolder(begun, run);
      Deno.removeSync(`${run}/${name}`, { recursive: true });
      await using _pipe = makePipe(`${run}/${name}`);
      const { exit, message } = await refusal(place, run);
      assertEquals(EXIT[exit], 64, message);
      assert(message.includes(name) && message.includes("named pipe"), message);
    }
  }));
