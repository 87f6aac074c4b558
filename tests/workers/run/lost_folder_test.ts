/** Runs whose folder is taken away while they train: they end, and touch nothing of another's. */
import { assertEquals, assertRejects } from "@std/assert";
import { EXIT, UserError } from "../../../src/base/user_error.ts";
import { lockRun, type RunLock } from "../../../src/checkpoint/lock/lock.ts";
import type { RunEvent } from "../../../src/report/events.ts";
import { TempFolder } from "../../checkpoint/fixture.ts";
import { contentsOf } from "../../support/contents.ts";
import { copyFolder, RunFolder } from "../../support/run_folder.ts";

/** What befalls the folder of a run. */
interface Taking {
  readonly what: string;
  readonly take: (run: string, moved: string) => void;
  /** Whether the run lies at another place then. */
  readonly moves: boolean;
  /** Puts what was taken back, so that the run can go on. */
  readonly mend?: (run: string) => void;
}

const TAKINGS: readonly Taking[] = [
  { what: "moved", take: (run, moved) => Deno.renameSync(run, moved), moves: true },
  {
    what: "moved, and another run began there",
    take(run, moved) {
      Deno.renameSync(run, moved);
      copyFolder(moved, run);
      Deno.removeSync(`${run}/.lock`);
    },
    moves: true,
  },
  {
    what: "its lock removed, and the run gone on with by another process",
    take: (run) => Deno.removeSync(`${run}/.lock`),
    moves: false,
  },
  {
    what: "its checkpoints replaced by a link to those of another run",
    take(run) {
      copyFolder(`${run}/checkpoints`, `${run}/other`);
      Deno.renameSync(`${run}/checkpoints`, `${run}/kept`);
      Deno.symlinkSync("other", `${run}/checkpoints`);
    },
    moves: false,
    mend: putBack,
  },
  {
    what: "its checkpoints replaced by those of another run",
    take(run) {
      Deno.renameSync(`${run}/checkpoints`, `${run}/kept`);
      copyFolder(`${run}/kept`, `${run}/checkpoints`);
    },
    moves: false,
    mend: putBack,
  },
];

/** Brings the run's own checkpoints back. */
function putBack(run: string): void {
  Deno.removeSync(`${run}/checkpoints`, { recursive: true });
  Deno.renameSync(`${run}/kept`, `${run}/checkpoints`);
}

/** After which event it is taken. */
const MOMENTS = ["step", "saving", "eval"] as const;

Deno.test("a run whose folder is taken away ends with 73 and touches nothing there", async () => {
  using place = new RunFolder();
  const begun = `${place.path}/begun`;
  // Two steps are saved: there is something to lose.
  await place.train({ out: begun, until: 2 });
  await place.train();
  for (const [n, { what, take, moves, mend }] of TAKINGS.entries()) {
    for (const moment of MOMENTS) {
      const when = `${what}, after ${moment}`;
      using temp = new TempFolder();
      const [run, moved] = [`${temp.path}/run`, `${temp.path}/moved`];
      copyFolder(begun, run);
      let before: Record<string, string> | undefined;
      let other: Promise<RunLock | undefined> = Promise.resolve(undefined);
      const seen = ({ type }: RunEvent) => {
        if (type !== moment || before !== undefined) return;
        take(run, moved);
        before = contentsOf(temp.path);
        if (what !== "moved" && mend === undefined) other = lockRun(run);
      };
      const train = () => place.train({ out: run, resume: true, seen });
      const error = await assertRejects(train, UserError, `Cannot write to ${run}: need`);
      assertEquals(EXIT[error.exit], 73, when);
      (await other)?.[Symbol.dispose]();
      const after = contentsOf(temp.path);
      // What the other one wrote.
      delete after["run/.lock"];
      delete before?.["run/.lock"];
      assertEquals(after, before, when);
      if (moment !== MOMENTS[n % MOMENTS.length]) continue;
      mend?.(run);
      // Wherever the run lies now, it is whole.
      const out = moves ? moved : run;
      await place.train({ out, resume: true });
      assertEquals(place.hashOf(out), place.hashOf(), when);
    }
  }
});
