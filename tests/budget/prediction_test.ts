/** The loss that a law foretells, and files that are no law. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { UserError } from "../../src/base/user_error.ts";
import { parseFit, predict } from "../../src/budget/prediction.ts";

// Hoffmann et al. 2022, appendix D.3, before rounding.
const LAW = [1.6933737, 406.40102, 410.72283, 0.33917084, 0.2849083] as const;
const counts = { all: 70e9, no_embedding: 69e9, matrices: 68e9, per_layer: 1e9 };

function textOf(more: Record<string, unknown> = {}): string {
  const names = ["E", "A", "B", "alpha", "beta"];
  const estimates = Object.fromEntries(
    names.map((name, i) => [name, { value: LAW[i], low: null, high: null }]),
  );
  return JSON.stringify({
    format: "shoal scaling 1",
    source: { params: "all", loss: "val" },
    chinchilla: { estimates, quality: { leave_one_out_rms: 0.01 } },
    range: { params: [1e6, 1e9], tokens: [1e8, 1e12] },
    draws: [LAW],
    ...more,
  });
}

// What these constants give at their own compute-optimal N and D, of 1e15 and 1e19 FLOP.
const OPTIMA = [[4.04e6, 10.2, 6.807], [2.708e8, 22.7, 2.922]] as const;

Deno.test("Chinchilla's constants foretell the losses of their compute-optimal table", () => {
  const scaling = parseFit(textOf(), "s.json");
  for (const [params, ratio, wanted] of OPTIMA) {
    const run = { counts: { ...counts, all: params }, tokens: params * ratio };
    const found = predict(scaling, run);
    assertAlmostEquals(found.loss / wanted, 1, 1e-3);
    assertEquals([found.count, found.params, found.tokens], ["all", params, run.tokens]);
    assertAlmostEquals(Math.log(found.high / found.loss), 1.96 * 0.01, 1e-5);
    assertAlmostEquals(Math.log(found.loss / found.low), 1.96 * 0.01, 1e-5);
  }
});

Deno.test("draws that differ widen the interval", () => {
  const draws = [1.6, 1.8].map((e) => [e, ...LAW.slice(1)]);
  const widths = [textOf(), textOf({ draws })].map((text) => {
    const { low, high } = predict(parseFit(text, "s.json"), { counts, tokens: 1.4e12 });
    return high - low;
  });
  assert((widths[1] ?? 0) > 4 * (widths[0] ?? 1));
});

Deno.test("a run beyond the trials is told so", () => {
  const beyond = (all: number, tokens: number) =>
    predict(parseFit(textOf(), "s.json"), { counts: { ...counts, all }, tokens }).beyond;
  assertEquals([beyond(1e9, 1e12), beyond(1e8, 1e11)], [1, 0.1]);
  assertEquals([beyond(5e9, 1e10), beyond(1e8, 3e12)], [5, 3]);
});

Deno.test("N is what the law was fitted to", () => {
  const text = textOf().replace('"all"', '"matrices"');
  const { params } = predict(parseFit(text, "s.json"), { counts, tokens: 1e9 });
  assertEquals(params, counts.matrices);
});

Deno.test("a file that has no law is refused in one line", () => {
  for (const text of ["", "{}", "[1]", textOf({ draws: [[1]] }), textOf({ format: "other" })]) {
    const error = assertThrows(() => parseFit(text, "s.json"), UserError);
    assertEquals([error.exit, error.message.includes("\n")], ["data", false]);
    assert(error.message.startsWith("Cannot predict a loss from s.json: need the scaling.json"));
  }
});
