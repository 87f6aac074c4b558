import { assert, assertEquals, assertMatch } from "@std/assert";
import { compile } from "../../src/plan/compile.ts";
import { showPlan } from "../../src/plan/show.ts";
import { gradientPlan, shapeOf } from "../../src/engine/plans.ts";
import { tinyConfig } from "../support/gpt.ts";

Deno.test("showPlan() prints a line per call with regions and cost, and the pool size", () => {
  const config = tinyConfig({ model: { layers: 2, dropout: 0.1 } });
  const plan = gradientPlan(config, 13, shapeOf(config, 13).layout);
  const lines = showPlan(plan).split("\n");
  assertEquals(lines.length, plan.calls.length + 1);
  plan.calls.forEach(({ op }, i) => {
    const line = lines[i] ?? "";
    assert(line.startsWith(`${i} ${op.name} `), line);
    assertMatch(line, /\S+\[[\d, ]+\] -> .*\S+\[[\d, ]+\] {2}\d+\.\d\d MFLOP, \d+\.\d\d MB$/);
  });
  assertMatch(lines.at(-1) ?? "", /^pool \d+ bytes for tensors of \d+ bytes \(\d+ %\)$/);
});

Deno.test("showPlan() shows an empty plan", () => {
  const empty = compile({ calls: [], constants: [], results: {} });
  assertEquals(showPlan(empty), "pool 0 bytes for tensors of 0 bytes (0 %)");
});
