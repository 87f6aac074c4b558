/** The data of a step are examined once a worker is lost there: what is wrong ends the run by name. */
import { assertEquals, assertRejects } from "@std/assert";
import { UserError } from "../../../src/base/user_error.ts";
import { openReference } from "../../../src/device/reference.ts";
import { Faults } from "../../../workers/faults/plan.ts";
import { type FaultPlan, faultPlanSchema } from "../../../workers/faults/schema.ts";
import { tinyConfig } from "../../support/gpt.ts";
import { lockstep, type LockstepOptions } from "../../support/lockstep.ts";

const config = tinyConfig({ steps: 6, checkpoint: { every: 2 } });

/** A run of two workers, of which one is killed in step 3. */
function losing(examine: LockstepOptions["examine"]) {
  const plan = [{ at: { step: 3, rank: 1, point: "forward" }, do: "sigkill" }];
  return lockstep(config, {
    world: 2,
    openDevice: () => Promise.resolve(openReference()),
    faults: new Faults(faultPlanSchema.parse(plan) as FaultPlan),
    ...examine && { examine },
  });
}

Deno.test("data that are wrong at the step of a lost worker end the run, whose state is saved", async () => {
  const asked: number[] = [];
  const { exit, message } = await assertRejects(
    () =>
      losing((step) => {
        asked.push(step);
        return Promise.resolve(new UserError("data", "Cannot use a batch of source s (m): late"));
      }),
    UserError,
  );
  assertEquals([asked, exit], [[3], "data"]);
  assertEquals(
    message,
    "Cannot use a batch of source s (m): late; step 3 is saved: put it right and resume the run",
  );
});

Deno.test("sound data leave a run with a lost worker as it is", async () => {
  const asked: number[] = [];
  const { outcome } = await losing((step) => {
    asked.push(step);
    return Promise.resolve(undefined);
  });
  assertEquals([asked, outcome.step], [[3], 6]);
  assertEquals(outcome.stateHash, (await losing(undefined)).outcome.stateHash);
});
