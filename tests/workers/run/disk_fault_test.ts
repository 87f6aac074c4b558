/** A disk that fails while a run goes on costs a save at most; a decision is on disk or not taken. */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { FileFault } from "../../../src/base/file_fault.ts";
import { UserError } from "../../../src/base/user_error.ts";
import { openReference } from "../../../src/device/reference.ts";
import { Faults } from "../../../workers/faults/plan.ts";
import { type FaultPlan, faultPlanSchema } from "../../../workers/faults/schema.ts";
import { ERRORS } from "../../faults/support/bad_disk.ts";
import { tinyConfig } from "../../support/gpt.ts";
import { lockstep, type RunRecord } from "../../support/lockstep.ts";

const openDevice = () => Promise.resolve(openReference());
const options = { world: 2, openDevice } as const;
const quota = ERRORS["EDQUOT"] as () => Error;
/** A gradient that is not finite in step 3 on any worker, however often it is computed. */
const NAN = [0, 1].map((rank) => ({
  at: { step: 3, rank, point: "summed" },
  do: "nan",
  times: 100,
}));

function faults(plan: unknown): Faults {
  return new Faults(faultPlanSchema.parse(plan) as FaultPlan);
}

function stepsOf({ saved }: RunRecord): number[] {
  return saved.map(({ manifest }) => manifest.step);
}

Deno.test("a save that comes to nothing is made up for by the next one, to the same bits", async () => {
  const config = tinyConfig({ steps: 6, checkpoint: { every: 2 } });
  const straight = await lockstep(config, options);
  const run = await lockstep(config, {
    ...options,
    saves: ({ step }) => step === 2 ? undefined : true,
  });
  assertEquals([stepsOf(straight), stepsOf(run)], [[2, 4, 6], [4, 6]]);
  // Times differ between runs.
  const { tokensPerS, exchangeShare, exchangeHidden } = run.outcome;
  assertEquals(run.outcome, { ...straight.outcome, tokensPerS, exchangeShare, exchangeHidden });
});

Deno.test("a run that is stopped while its save fails saves that step once more", async () => {
  const stop = new AbortController();
  const config = tinyConfig({ steps: 40, checkpoint: { every: 1 } });
  const saves: [number, boolean][] = [];
  const run = await lockstep(config, {
    ...options,
    stop: stop.signal,
    // The save of step 2 waits for the one before, and is begun though the run is stopped meanwhile.
    records: (kind) => kind === "save_waited" && stop.abort(),
    saves: async ({ step, last }) => {
      saves.push([step, last]);
      await new Promise((resolve) => setTimeout(resolve, 300));
      return last || step < 2 ? true : undefined;
    },
  });
  assertEquals(saves, [[1, false], [2, false], [2, true]]);
  assertEquals([run.outcome.step, run.outcome.stopped, stepsOf(run)], [2, true, [1, 2]]);
});

Deno.test("a last save that fails ends the run with its cause", async () => {
  const lost = new FileFault("lost", "Cannot save: it is so");
  const config = tinyConfig({ steps: 4, checkpoint: { every: 2 } });
  const run = lockstep(config, {
    ...options,
    saves: ({ last }) => last ? Promise.reject(lost) : true,
  });
  assertEquals(await assertRejects(() => run, UserError), lost);
});

for (const policy of ["skip", "rollback"] as const) {
  Deno.test(`${policy}: a decision that the disk does not take at first is written, then carried out`, async () => {
    let tries = 0;
    const config = tinyConfig({ steps: 6, checkpoint: { every: 2 }, guard: { policy } });
    const run = await lockstep(config, {
      ...options,
      faults: faults(NAN),
      records: (kind, _, sync) => {
        if (kind !== "skip" || ++tries > 2) return;
        assert(sync);
        throw quota();
      },
    });
    assertEquals([tries, run.outcome.step], [3, 6]);
    assertEquals(run.notes.filter(({ kind }) => kind === "skip").length, 1);
  });

  Deno.test(`${policy}: a decision that cannot be written is not taken: the state is saved, and the run ends`, async () => {
    const saved: number[] = [];
    const config = tinyConfig({ steps: 6, checkpoint: { every: 2 }, guard: { policy } });
    const run = lockstep(config, {
      ...options,
      faults: faults(NAN),
      saves: ({ step }) => {
        saved.push(step);
        return true;
      },
      records: (kind) => {
        if (kind === "skip") throw Object.assign(quota(), { path: "runs/a/journal.jsonl" });
      },
    });
    const refusal = await assertRejects(() => run, UserError);
    assertEquals([refusal.exit, saved], ["tooLarge", [2, 3]]);
    assertMatch(
      refusal.message,
      /^Cannot record what is passed over in runs\/a\/journal\.jsonl: .*quota.*; step 3 is saved/,
    );
  });
}
