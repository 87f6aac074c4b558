/** Decisions about steps that are not finite. */
import { assertEquals } from "@std/assert";
import type { Inspection, JudgeOptions, Policy } from "../../src/guard/judge.ts";
import { allFinite, judgeStep, sameBits } from "../../src/guard/judge.ts";

const SOUND: Inspection = { loss: 2.5, norm: 0.75, nonFinite: 0 };
const BROKEN: Inspection = { loss: NaN, norm: Infinity, nonFinite: 3 };
const HALT: JudgeOptions = { policy: "halt", skipped: 0, maxSkips: 2 };
const POLICIES: readonly Policy[] = ["halt", "skip", "rollback"];

Deno.test("judgeStep() commits a finite step at once, under any policy", () => {
  for (const policy of POLICIES) {
    const { action, cause } = judgeStep(SOUND, undefined, { ...HALT, policy });
    assertEquals([action, cause], ["commit", undefined]);
    assertEquals(judgeStep(SOUND, SOUND, { ...HALT, policy }).action, "commit");
  }
});

Deno.test("judgeStep() requests another gradient check if any value is not finite", () => {
  const faults: Partial<Inspection>[] = [
    { loss: NaN },
    { loss: -Infinity },
    { norm: Infinity },
    { norm: NaN },
    { nonFinite: 1 },
  ];
  for (const fault of faults) {
    const look = { ...SOUND, ...fault };
    assertEquals(allFinite(look), false);
    assertEquals(judgeStep(look, undefined, HALT).action, "again");
  }
});

Deno.test("judgeStep() uses a finite second check, and attributes the first to the hardware", () => {
  for (const policy of POLICIES) {
    const { action, cause } = judgeStep(BROKEN, SOUND, { ...HALT, policy });
    assertEquals([action, cause], ["transient", "machine"]);
  }
});

Deno.test("judgeStep() follows the policy if the bits repeat", () => {
  for (const policy of POLICIES) {
    const { action, cause } = judgeStep(BROKEN, { ...BROKEN }, { ...HALT, policy });
    assertEquals([action, cause], [policy, "numbers"]);
  }
});

Deno.test("judgeStep() skips at most max_skips steps", () => {
  const skips = [0, 1, 2, 3].map((skipped) =>
    judgeStep(BROKEN, BROKEN, { policy: "skip", skipped, maxSkips: 2 }).action
  );
  assertEquals(skips, ["skip", "skip", "halt", "halt"]);
  assertEquals(judgeStep(BROKEN, BROKEN, { ...HALT, policy: "skip", maxSkips: 0 }).action, "halt");
});

Deno.test("judgeStep() halts if three checks differ, and uses a third that is finite or repeats", () => {
  const other = { ...BROKEN, nonFinite: 4 };
  assertEquals(judgeStep(BROKEN, other, HALT).action, "again");
  const third = { ...HALT, looks: 3 };
  assertEquals(judgeStep(other, BROKEN, { ...third, policy: "skip" }).action, "halt");
  assertEquals(judgeStep(other, BROKEN, third).cause, "machine");
  assertEquals(judgeStep(other, SOUND, third).action, "transient");
  assertEquals(judgeStep(other, other, { ...third, policy: "skip" }).action, "skip");
});

Deno.test("sameBits() detects any different bit, and treats NaNs as equal", () => {
  const next = Math.fround(0.75) + 2 ** -24;
  assertEquals(sameBits(SOUND, { ...SOUND }), true);
  for (const other of [{ norm: next }, { loss: -2.5 }, { nonFinite: 1 }]) {
    assertEquals(sameBits(SOUND, { ...SOUND, ...other }), false);
  }
  assertEquals(sameBits({ ...SOUND, loss: 0 }, { ...SOUND, loss: -0 }), false);
  assertEquals(sameBits({ ...SOUND, loss: Infinity }, { ...SOUND, loss: -Infinity }), false);
  assertEquals(sameBits({ ...SOUND, loss: NaN }, { ...SOUND, loss: Infinity }), false);
  const [odd = 0] = new Float32Array(Uint32Array.of(0xffa5_a5a5).buffer);
  assertEquals(sameBits({ ...SOUND, loss: NaN }, { ...SOUND, loss: odd }), true);
});

Deno.test("every verdict has a reason of one line with its numbers", () => {
  const verdicts = [
    judgeStep(SOUND, undefined, HALT),
    judgeStep(BROKEN, undefined, HALT),
    judgeStep(BROKEN, BROKEN, HALT),
    judgeStep(BROKEN, BROKEN, { ...HALT, policy: "skip", skipped: 1 }),
    judgeStep(BROKEN, { ...BROKEN, norm: 1 }, { ...HALT, looks: 3 }),
  ];
  assertEquals(verdicts.map(({ reason }) => reason), [
    "loss 2.5, gradient norm 0.75, elements not finite 0",
    "loss NaN, gradient norm Infinity, elements not finite 3",
    "loss NaN, gradient norm Infinity, elements not finite 3; computed again: the same",
    "loss NaN, gradient norm Infinity, elements not finite 3; computed again: the same; " +
    "skip 2 of 2",
    "loss NaN, gradient norm Infinity, elements not finite 3; computed again: loss NaN, " +
    "gradient norm 1, elements not finite 3; 3 looks, none agree",
  ]);
});
