/** Detection of an incomplete sweep. */
import { assertEquals } from "@std/assert";
import { shortfall } from "../../src/sweep/shortfall.ts";
import type { TrialProgress, TrialState } from "../../src/sweep/trial_progress.ts";

function standing(state: TrialState, name: string): Parameters<typeof shortfall>[0][number] {
  const trial = { name } as TrialProgress["trial"];
  return { state, trial, reason: state === "failed" ? "no adapter" : null };
}

const SAYS = "Cannot finish the sweep: need all of 2 trials: ";
const AGAIN = "; the same command tries them again";

const CASES: readonly [
  why: string,
  states: [TrialState, TrialState],
  isCut: boolean,
  text?: string,
][] = [
  ["all are done", ["done", "done"], false],
  ["early stopping lets one rest", ["done", "rests"], false],
  ["a budget or a signal left one for later", ["done", "waits"], true],
  ["one failed", ["done", "failed"], false, `${SAYS}1 failed, the first is b: no adapter${AGAIN}`],
  [
    "all failed",
    ["failed", "failed"],
    false,
    `${SAYS}2 failed, the first is a: no adapter${AGAIN}`,
  ],
  [
    "one failed before a signal",
    ["failed", "waits"],
    true,
    `${SAYS}1 failed, the first is a: no adapter${AGAIN}`,
  ],
  ["one was never started", ["done", "waits"], false, `${SAYS}1 could not be started${AGAIN}`],
];

for (const [why, [a, b], isCut, text] of CASES) {
  Deno.test(`a sweep ${text === undefined ? "is complete" : "is not complete"} where ${why}`, () => {
    assertEquals(shortfall([standing(a, "a"), standing(b, "b")], { isCut }), text);
  });
}
