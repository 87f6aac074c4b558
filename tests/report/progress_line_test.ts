import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import { progressLine } from "../../src/report/progress/progress_line.ts";

const FULL = {
  step: 12,
  steps: 400,
  loss: 3.21412,
  valLoss: 3.3012,
  lr: 3e-4,
  gradNorm: 1.2345,
  tokensPerS: 45_200,
  secondsLeft: 80,
};

Deno.test("progressLine() shows all that it is given", () => {
  assertEquals(
    progressLine(FULL, 120),
    "step  12/400  loss 3.2141  val 3.3012  lr 3.00e-4  norm 1.23  45.2k tok/s  1 m 20 s left",
  );
  assertEquals(progressLine({ step: 0, steps: 40 }, 80), "step  0/40");
});

Deno.test("progressLine() fits every width and drops whole parts, the step last", () => {
  const whole = progressLine({ ...FULL, step: 123 }, Infinity).split("  ");
  let before = whole;
  for (let width = 120; width >= "step 123/400".length; width--) {
    const line = progressLine({ ...FULL, step: 123 }, width);
    assertLessOrEqual(line.length, width);
    const parts = line.split("  ");
    assert(parts.every((part) => before.includes(part)), line);
    assertEquals(parts[0], "step 123/400");
    before = parts;
  }
  assertEquals(before.length, 1);
});

Deno.test("progressLine() keeps loss and time left before all else, and cuts what is left", () => {
  assertEquals(progressLine(FULL, 41), "step  12/400  loss 3.2141  1 m 20 s left");
  assertEquals(progressLine(FULL, 6), "step  ");
  assertEquals(progressLine(FULL, 0), "");
});
