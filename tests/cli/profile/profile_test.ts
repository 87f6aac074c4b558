import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { usedOf } from "../../../src/budget/counts.ts";
import { measureSteps } from "../../../src/cli/profile/measure.ts";
import type { Pass, SplitStep } from "../../../src/cli/profile/measure.ts";
import { betterPeaks, measurePeaks, publishedPeak } from "../../../src/measure/peak.ts";
import { parseProfile } from "../../../src/cli/profile/request.ts";
import { byOp, partsOf } from "../../../src/cli/profile/summary.ts";
import { exceededNotes, usesOf } from "../../../src/measure/utilization.ts";
import { traceOf } from "../../../src/cli/profile/trace.ts";
import { planName, watchDevice } from "../../../src/cli/profile/watch.ts";
import { UserError } from "../../../src/base/user_error.ts";
import { openReference } from "../../../src/device/reference.ts";
import type { Call } from "../../../src/graph/types.ts";
import type { Region } from "../../../src/plan/types.ts";
import { sumOp } from "../../../kernels/reduce/sum.ts";
import { treeAddOp } from "../../../kernels/reduce/tree_add.ts";
import { planOf } from "../../../src/testing/cases.ts";
import { onGpu, sharedGpu } from "../../support/gpu.ts";
import { assertNested } from "../../support/graph/trace.ts";

const device = sharedGpu();

/** A call of `sum` over n elements: n - 1 additions or so, and 4 n bytes. */
function sumCall(n: number): Call<Region> {
  return planOf(sumOp, [{ shape: [n], dtype: "f32" }], {}).calls[0] as Call<Region>;
}

const SUMS = sumCall(1000);
const TREE = planOf(treeAddOp, treeAddOp.cases[0]?.inputs ?? [], {}).calls[0] as Call<Region>;

const PASSES: readonly Pass[] = [
  { plan: "gradient", run: 0, call: SUMS, begin: 5, end: 5.002 },
  { plan: "gradient", run: 0, call: TREE, begin: 5.002, end: 5.003 },
  { plan: "update", run: 1, call: SUMS, begin: 5.004, end: 5.008 },
];

const SPLIT: SplitStep = {
  seconds: 0.01,
  micro_batches: 1,
  passes: PASSES,
  events: [
    { kind: "write", name: "inputs", begin: 0, end: 0.001 },
    { kind: "encode", name: "gradient", begin: 0.001, end: 0.003 },
    { kind: "wait", name: "grad/0", begin: 0.004, end: 0.009 },
  ],
};

Deno.test("byOp() sums an op's calls over all plans, the dearest first", () => {
  const ops = byOp(PASSES);
  assertEquals(ops.map(({ op, calls }) => [op, calls]), [["sum", 2], ["tree_add", 1]]);
  const [sums, tree] = ops;
  assertAlmostEquals(sums?.seconds ?? 0, 0.006, 1e-9);
  assertAlmostEquals((sums?.share ?? 0) + (tree?.share ?? 0), 1, 1e-9);
  assertEquals(sums?.flops, 2 * SUMS.op.cost(SUMS, SUMS.attrs).flops);
});

Deno.test("byOp() counts the gradient of a step of more micro-batches more often", () => {
  const [sums, tree] = byOp(PASSES, 4);
  assertEquals([sums?.calls, tree?.calls], [5, 4]);
  assertAlmostEquals(sums?.seconds ?? 0, 4 * 0.002 + 0.004, 1e-9);
});

Deno.test("partsOf() gives each part of a step, and the rest", () => {
  const parts = partsOf({
    count: 1,
    mean: 10,
    median: 10,
    host: { encode: 2, write: 1, copy: 0.5, wait: 4 },
    device: { gradient: 6, "tree add": 1, update: 2 },
  });
  const seconds = Object.fromEntries(parts.map(({ part, seconds }) => [part, seconds]));
  assertEquals(seconds, {
    GPU: 9,
    reduce: 1,
    encode: 2,
    write: 1,
    copy: 0.5,
    wait: 4,
    rest: 2.5,
  });
});

Deno.test("usesOf() takes each formula's FLOP/s by each peak", () => {
  const uses = usesOf([{ formula: "6N", per_token: 600 }, { formula: "other", per_token: 900 }], {
    tokens_per_s: 10,
    peaks: { best: 60_000, stated: 120_000 },
  });
  assertEquals(uses.map(({ formula, peak, mfu }) => [formula, peak, mfu]), [
    ["6N", "best", 0.1],
    ["6N", "stated", 0.05],
    ["other", "best", 0.15],
    ["other", "stated", 0.075],
  ]);
});

Deno.test("a share of a peak is at most all of it: a peak that is exceeded is unknown", () => {
  const uses = usesOf([{ formula: "6N", per_token: 600 }], {
    tokens_per_s: 10,
    peaks: { "the slow": 600, "the best": 6000, "the given": 60_000 },
  });
  assertEquals(uses.map(({ peak, mfu }) => [peak, mfu]), [
    ["the slow", null],
    ["the best", 1],
    ["the given", 0.1],
  ]);
  const [note = "", ...more] = exceededNotes(uses);
  assert(note.includes("more FLOP/s than the slow") && note.includes("unknown"));
  assertEquals(more, []);
  const better = betterPeaks(
    { flops_per_s: 1, bytes_per_s: 9, side: 4 },
    { flops_per_s: 3, bytes_per_s: 2, side: 4 },
  );
  assertEquals(better, { flops_per_s: 3, bytes_per_s: 9, side: 4 });
});

Deno.test("a table that tokens are only looked up in costs nothing, a tied one is the head", () => {
  const table = { name: "tokens.weight", shape: [50_257, 8] };
  const rest = [
    { name: "positions.weight", shape: [64, 8] },
    { name: "blocks.0.up.weight", shape: [8, 32] },
  ];
  const head = { name: "head.weight", shape: [8, 2] };
  assertEquals(usedOf([table, ...rest, head]), 8 * 32 + 8 * 2);
  assertEquals(usedOf([table, ...rest]), 50_257 * 8 + 8 * 32);
});

Deno.test("traceOf() nests calls in plans and the host's parts in the step", () => {
  const events = traceOf(SPLIT, "tiny");
  assertNested(events);
  const named = (cat: string) => events.filter((event) => event.cat === cat);
  assertEquals(named("plan").map(({ name }) => name), ["gradient", "update"]);
  const total = (cat: string) => named(cat).reduce((sum, { dur = 0 }) => sum + dur, 0);
  assertAlmostEquals(total("op"), 7000, 1e-6);
  assertAlmostEquals(total("plan"), 7000, 1e-6);
  assertEquals(events.filter(({ ph }) => ph === "M").length, 3);
  assertEquals(named("step").map(({ ts, dur }) => [ts, dur]), [[0, 10_000]]);
});

Deno.test("traceOf() draws the device's first pass where the host began to queue it", () => {
  const first = traceOf(SPLIT, "tiny").find(({ cat }) => cat === "op");
  assertAlmostEquals(first?.ts ?? 0, 1000, 1e-6);
  assertAlmostEquals(first?.dur ?? 0, 2000, 1e-6);
});

Deno.test("watchDevice() notes what the host does and gives the same split or whole", async () => {
  const watched = watchDevice(openReference());
  const { device, events, passes } = watched;
  const memory = device.memory();
  const plan = planOf(sumOp, [{ shape: [3], dtype: "f32" }], {});
  const program = await device.load(plan, memory);
  memory.write("x0", Float32Array.of(1, 2, 4));
  for (const split of [false, true]) {
    watched.split = split;
    program.run();
    assertEquals(await memory.read([{ slot: "y0", offset: 0, length: 1 }]), Float32Array.of(7));
  }
  assertEquals(events.map(({ kind }) => kind), ["write", "encode", "wait", "encode", "wait"]);
  assert(events.every(({ begin, end }) => end >= begin));
  assertEquals(passes.map(({ run, call }) => [run, call?.op.name]), [[0, undefined], [1, "sum"]]);
  watched.clear();
  assertEquals([events.length, passes.length], [0, 0]);
});

Deno.test("planName() tells the plans of a step apart", () => {
  const slot = (role: "batch" | "moment" | "grad") => ({ name: role, role, size: 1 });
  assertEquals(planName({ calls: [SUMS], slots: [slot("batch"), slot("grad")] }), "gradient");
  assertEquals(planName({ calls: [SUMS], slots: [slot("moment")] }), "update");
  assertEquals(planName({ calls: [SUMS], slots: [slot("grad")] }), "inspect");
  assertEquals(planName({ calls: [TREE], slots: [slot("moment")] }), "tree add");
});

Deno.test("parseProfile() tells its flags from the config's keys", () => {
  const request = parseProfile([
    "configs/smoke.ts",
    "--trace",
    "a.json",
    "--micro_batch_size=2",
    "--peak=19.5",
    "--json",
  ]);
  assert(request !== "help");
  assertEquals([request.trace, request.peak, request.json], ["a.json", 19.5e12, true]);
  assertEquals(request.line.config, "configs/smoke.ts");
  assertEquals(request.line.overrides, { micro_batch_size: "2" });
  assertEquals(parseProfile(["--help"]), "help");
});

Deno.test("parseProfile() refuses a run to go on with, and a peak of nothing", () => {
  assertThrows(() => parseProfile(["--resume=runs/a"]), UserError, "need a config alone");
  assertThrows(() => parseProfile(["--peak=0"]), UserError, "--peak");
});

Deno.test("publishedPeak() knows cards by their names", () => {
  assertEquals(publishedPeak("NVIDIA H200"), 66.9e12);
  assertEquals(publishedPeak("NVIDIA A100-SXM4-80GB"), 19.5e12);
  assertEquals(publishedPeak("llvmpipe (LLVM 15.0.6, 256 bits)"), undefined);
});

Deno.test(onGpu("measurePeaks() measures what a device does"), async () => {
  const { flops_per_s, bytes_per_s, side } = await measurePeaks(await device());
  assert(flops_per_s > 0 && Number.isFinite(flops_per_s));
  assert(bytes_per_s > 0 && Number.isFinite(bytes_per_s));
  assert(side > 0);
});

Deno.test("measureSteps() refuses a device without a clock", async () => {
  const gpu = {
    ...openReference(),
    passSeconds: () => Promise.resolve(undefined),
    passes: () => Promise.resolve(undefined),
    passesFree: 0,
    name: "clockless",
  };
  // It refuses before it looks at a config.
  const nothing = {} as Parameters<typeof measureSteps>[1];
  const error = await measureSteps(gpu, nothing).catch((error) => error);
  assert(error instanceof UserError && error.message.includes("clockless"));
});
