/** `profile`, as a user calls it: the table and the trace tell of the same step. */
import { assert, assertAlmostEquals, assertEquals, assertMatch } from "@std/assert";
import { assertNested } from "../support/graph/trace.ts";
import type { TraceEvent } from "../../src/cli/profile/trace.ts";
import { runCommand } from "./command.ts";
import { assertOneLine, contents } from "./refusals.ts";
import { Place, SMOKE } from "./support.ts";

const TINY = [SMOKE, "--data=text.txt", "--micro_batch_size=2", "--model.layers=1"];

interface Op {
  readonly op: string;
  readonly calls: number;
  readonly seconds: number;
  readonly share: number;
}

Deno.test("profile tells where a step's time goes", async (t) => {
  using place = new Place();
  const { code, stdout, stderr } = await runCommand(
    "profile",
    [...TINY, "--json", "--trace=trace.json", "--peak=1"],
    { cwd: place.path },
  );
  assertEquals([code, stderr], [0, ""]);
  const report = JSON.parse(stdout);
  const ops: Op[] = report.ops;
  const events = place.json("trace.json") as unknown as TraceEvent[];

  await t.step("shares of ops sum to one, the dearest first", () => {
    assertAlmostEquals(ops.reduce((sum, { share }) => sum + share, 0), 1, 1e-9);
    assertEquals(ops, ops.toSorted((a, b) => b.seconds - a.seconds));
    assert(ops.every(({ seconds }) => seconds > 0));
  });

  await t.step("parts are those of the step", () => {
    const parts = Object.fromEntries(
      report.parts.map(({ part, seconds }: { part: string; seconds: number }) => [part, seconds]),
    );
    const { encode, write, copy, wait, rest } = parts;
    assertAlmostEquals(encode + write + copy + wait + rest, report.step.mean, 1e-9);
    assert(parts.GPU > 0 && parts.reduce > 0 && parts.reduce < parts.GPU);
    assertAlmostEquals(report.tokens_per_s, report.tokens_per_step / report.step.median, 1e-6);
  });

  await t.step("use is named by formula and peak", () => {
    const [six, given] = report.uses;
    assertEquals(six.formula, "6N");
    const flops = 6 * report.parameters_used * report.tokens_per_s;
    // A device that others slow down while its peak is measured has no share.
    const share = flops / report.measured.flops_per_s;
    if (share > 1) assertEquals(six.mfu, null);
    else assertAlmostEquals(six.mfu, share, 1e-9);
    assertAlmostEquals(given.mfu, flops / 1e12, 1e-9);
  });

  await t.step("the trace's events nest, and its calls are those of the table", () => {
    assertNested(events);
    const calls = events.filter(({ cat }) => cat === "op");
    const micro = calls.reduce((sum, { dur = 0 }) => sum + dur, 0);
    assertAlmostEquals(micro * 1e-6, ops.reduce((sum, { seconds }) => sum + seconds, 0), 1e-6);
    assertEquals(calls.length, ops.reduce((sum, { calls }) => sum + calls, 0));
    for (const { ph, ts, pid, tid, dur } of events) {
      assert(ph === "M" || (ts >= 0 && (dur as number) >= 0));
      assert(pid > 0 && tid > 0);
    }
  });
});

Deno.test("profile prints a table for people", async () => {
  using place = new Place();
  const { code, stdout } = await runCommand("profile", TINY, { cwd: place.path });
  assertEquals(code, 0);
  assertMatch(stdout, /^ {2}matmul +\d+ +[\d.]+ +[\d.]+ % +[\d.]+ +[\d.]+$/m);
  assertMatch(stdout, /MFU by 6N \+ 12LHQT +([\d.]+ %|unknown)/);
});

Deno.test("profile refuses what it cannot measure or write, before it begins", async () => {
  using place = new Place();
  const refused = [
    { args: ["--device=reference"], exit: "config", says: ["need a device with a clock"] },
    { args: ["--trace=no/such/trace.json"], exit: "config", says: ["no/such"] },
    { args: ["--tracee=a.json"], exit: "config", says: ["tracee"] },
  ] as const;
  for (const { args, exit, says } of refused) {
    const before = contents(place.path);
    const ended = await runCommand("profile", [...TINY, ...args], { cwd: place.path });
    assertOneLine(ended, { exit, says });
    assertEquals(contents(place.path), before);
  }
});
