/** Functions of modules that do not end, throw or lie: one line before any worker starts. */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { UserError } from "../../src/base/user_error.ts";
import { resolveConfig } from "../../src/config/resolve.ts";
import { withUserModules } from "../../src/config/user/user_modules.ts";
import { runTraining } from "../../workers/run/run.ts";
import { namesIn, Place, startTrain } from "../e2e/support.ts";
import { childIds, isAnyThere } from "../support/worker_pids.ts";

/** A model with a hidden layer, whose functions are given as code. */
const modelOf = ({ loss = "real.loss", logits = "real.logits", width = "4", more = "" } = {}) => `
import { headModel, layers, outputHead } from "shoal";
import * as z from "zod";
const real = headModel({
  kind: "lookup",
  schema: z.strictObject({ kind: z.literal("lookup") }),
  head(scope, { tokens, vocabulary, classes, last }) {
    const x = layers.embed(scope.in("tokens"), tokens, { vocabulary, width: 4 });
    const y = layers.linear(scope.in("up"), x, { width: ${width} });
    return outputHead(scope.in("head"), last ? layers.readout(y, "last") : y, { classes });
  },
  generates: () => ({ memory: "window" }),
});
/** The terms of the loss, with another value per row. */
const rows = (of) => (...args) => {
  const { nll, ...rest } = real.loss(...args);
  return { ...rest, nll: { ...nll, sum: { ...nll.sum, of } } };
};
export default { ...real, loss: ${loss}, logits: ${logits}, ${more} };
`;

/** Gradient descent as a formula of its gradient, clip factor, rate, parameter and moment. */
const optimizerOf = (
  { update = "() => formula(5, (g, c, lr, p, m) => [sub(p, mul(lr, g)), m])", rules = "" } = {},
) => `
import { defineOptimizer, elementwise, formulas } from "shoal";
const { formula, mul, sub } = formulas;
const plain = elementwise({
  name: "plain",
  moments: () => ["mean"],
  scalars: ["lr"],
  scalarsAt: () => ({ lr: 0.1 }),
  update: ${update},
});
export default defineOptimizer({ kind: "plain", optimizer: { ...plain, ${rules} } });
`;

/** A source that counts, with its task as code. */
const sourceOf = ({ task = "real", size = "5" } = {}) => `
import { defineSource, tokenTensors } from "shoal";
const real = ({ seq_len: time }) => ({
  time,
  vocabulary: ${size},
  classes: ${size},
  targetKind: "next_token",
  tensors: tokenTensors({ time, targetKind: "next_token" }),
  countedPerWindow: time,
  carries: false,
});
export default defineSource({
  source: "zeros",
  needsText: false,
  task: ${task},
  make({ seq_len: time }, { windows }) {
    const zeros = () => new Uint32Array(windows * time);
    const batch = () => ({
      tensors: { tokens: zeros(), targets: zeros() },
      counted: windows * time,
      fresh: true,
    });
    return { train: batch, sequences: 1, evaluation: () => [batch()] };
  },
});
`;

const GPT = { layers: 1, width: 8, heads: 2 };

const configOf = (place: Place, { model = GPT, data = {}, optim = {} }: Sections) => ({
  device: "reference",
  steps: 2,
  workers: 1,
  micro_batches: 2,
  micro_batch_size: 1,
  model,
  data: { path: place.of("text.txt"), tokenizer: "byte", seq_len: 4, ...data },
  optim,
  eval: { windows: 1 },
  report: { sample_length: 0 },
});

interface Sections {
  readonly model?: object;
  readonly data?: object;
  readonly optim?: object;
}

const LIMITS = { wait: 1000, compute: 2000 };

/** Trains as the command does, up to the start of workers. */
async function begin(place: Place, sections: Sections, stop = new AbortController().signal) {
  const checks = { limits: LIMITS, signal: stop };
  const config = resolveConfig(await withUserModules(configOf(place, sections), checks));
  return await runTraining({
    config,
    out: place.of("run"),
    resume: false,
    launch: () => {
      throw new Error("a worker was started");
    },
    show: () => {},
    stop,
    moduleLimits: LIMITS,
  });
}

/** A fault: the code of a module of each section, and the line that it gives. */
type Fault = readonly [name: string, code: string, line: string];

const FOREVER = "() => { for (;;); }";
const THROWS = "() => { throw new Error('not mine\\nat all'); }";
const LATE = "it computes for longer than 2 s";

const MODELS: readonly Fault[] = [
  ["a loss that never ends", modelOf({ loss: FOREVER }), `trace the loss of model lookup: ${LATE}`],
  [
    "logits that never end",
    modelOf({ logits: FOREVER }),
    `trace the logits of model lookup: ${LATE}`,
  ],
  [
    "rows of a sum that never end",
    modelOf({ loss: `rows(${FOREVER})` }),
    `trace the term nll of model lookup: ${LATE}`,
  ],
  ["a loss that throws", modelOf({ loss: THROWS }), "trace the loss of model lookup: not mine"],
  [
    "logits that throw",
    modelOf({ logits: THROWS }),
    "trace the logits of model lookup: not mine",
  ],
  [
    "rows of a sum that throw",
    modelOf({ loss: `rows(${THROWS})` }),
    "trace the term nll of model lookup: not mine",
  ],
  [
    "rows of a sum in another shape",
    modelOf({ loss: "rows((logits) => logits)" }),
    "trace the term nll of model lookup: need f32, a value for each of 4 rows: got f32 [1, 4, 256]",
  ],
  [
    "generates that throws",
    modelOf({ more: `generates: ${THROWS}` }),
    "call generates of model lookup: not mine",
  ],
  [
    "an async loss",
    modelOf({ loss: "async (...args) => real.loss(...args)" }),
    "trace the loss of model lookup: need its result, not a promise: it must not be async",
  ],
  [
    "a thrown value that is no error",
    modelOf({ loss: "() => { throw { a: 1 }; }" }),
    'trace the loss of model lookup: {"a":1}',
  ],
  [
    "a loss that ends the process",
    modelOf({ loss: "() => Deno.exit(0)" }),
    "trace the loss of model lookup: its process ended with code 0",
  ],
  [
    "a width that is no whole number",
    modelOf({ width: "1.5" }),
    "trace the loss of model lookup: Cannot declare up.weight: need sizes that are whole numbers above 0: " +
    "[4, 1.5]",
  ],
  [
    "a width of 0",
    modelOf({ width: "0" }),
    "trace the loss of model lookup: Cannot declare up.weight: need sizes that are whole numbers above 0: " +
    "[4, 0]",
  ],
  [
    "a parameter that the loss ignores",
    modelOf({
      loss: '(scope, ...rest) => (scope.param("idle", [2], { kind: "ones" }), ' +
        "real.loss(scope, ...rest))",
    }),
    "trace the gradient of model lookup: Cannot train idle: the loss ignores it",
  ],
];

const RULE = "trace rule elementwise of optimizer plain";

const OPTIMIZERS: readonly Fault[] = [
  ["an update that never ends", optimizerOf({ update: FOREVER }), `${RULE}: ${LATE}`],
  ["an update that throws", optimizerOf({ update: THROWS }), `${RULE}: not mine`],
  [
    "a formula of too few arguments",
    optimizerOf({ update: "() => formula(4, (g, c, lr, p) => [p, p])" }),
    `${RULE}: need a formula of 5 arguments (gradient, clip factor, lr, param, mean): it has 4`,
  ],
  [
    "a formula without the moment",
    optimizerOf({ update: "() => formula(5, (g, c, lr, p) => p)" }),
    `${RULE}: need a formula of 2 results (param, mean): it has 1`,
  ],
  [
    "a moment that is not declared",
    optimizerOf({
      rules: 'rules: { own: { moments: () => [], trace: (span) => span.source("speed") } }',
    }),
    "trace rule own of optimizer plain: need moments with speed, which it reads: it has grad, param",
  ],
  [
    "a scalar that is not declared",
    optimizerOf({
      rules: 'rules: { own: { moments: () => [], trace: (span) => span.scalar("rate") } }',
    }),
    "trace rule own of optimizer plain: need scalars with rate, which it reads: it has grad_norm, lr",
  ],
  [
    "moments that throw",
    optimizerOf({ rules: `rules: { own: { moments: ${THROWS}, trace: () => {} } }` }),
    "list the moments of rule own of optimizer plain: not mine",
  ],
];

const SOURCES: readonly Fault[] = [
  ["a task that never ends", sourceOf({ task: FOREVER }), `use the task of source zeros: ${LATE}`],
  ["a task that throws", sourceOf({ task: THROWS }), "use the task of source zeros: not mine"],
  [
    "a vocabulary of 0",
    sourceOf({ size: "0" }),
    "use the task of source zeros: need vocabulary above 0, since tokens are numbers below it: got 0",
  ],
];

async function refused(t: Deno.TestContext, section: string, faults: readonly Fault[]) {
  for (const [name, code, line] of faults) {
    await t.step(name, async () => {
      using place = new Place();
      const module = place.of("mine.ts");
      place.write("mine.ts", code);
      const own = section === "data" ? { module, path: null, tokenizer: null } : { module };
      const work = () => begin(place, { [section]: own });
      const { exit, message } = await assertRejects(work, UserError);
      const [doing = "", ...reason] = line.split(": ");
      assertEquals(message, `Cannot ${doing} (${module}): ${reason.join(": ")}`);
      assertEquals(exit, "config");
      assert(!namesIn(place.path).includes("run"), "a run was begun");
    });
  }
}

Deno.test("a model that cannot be traced is refused before workers start", (t) =>
  refused(t, "model", MODELS));

Deno.test("an optimizer that cannot be traced is refused before workers start", (t) =>
  refused(t, "optim", OPTIMIZERS));

Deno.test("a source without a task is refused before workers start", (t) =>
  refused(t, "data", SOURCES));

Deno.test("modules without a fault are traced, then workers start", async () => {
  using place = new Place();
  const modules = { model: modelOf(), optim: optimizerOf(), data: sourceOf() };
  for (const [name, code] of Object.entries(modules)) place.write(`${name}.ts`, code);
  const sections = Object.fromEntries(
    Object.keys(modules).map((name) => [name, { module: place.of(`${name}.ts`) }]),
  );
  const data = { ...sections["data"], path: null, tokenizer: null };
  await assertRejects(() => begin(place, { ...sections, data }), Error, "a worker was started");
});

Deno.test("an abort ends the trace of a loss that never ends, and nothing is begun", async () => {
  using place = new Place();
  place.write("mine.ts", modelOf({ loss: FOREVER }));
  const stop = new AbortController();
  const sections = { model: { module: place.of("mine.ts") } };
  const config = resolveConfig(await withUserModules(configOf(place, sections)));
  const notices: string[] = [];
  const running = runTraining({
    config,
    out: place.of("run"),
    resume: false,
    launch: () => {
      throw new Error("a worker was started");
    },
    show: (event) => event.type === "notice" && notices.push(event.text),
    stop: stop.signal,
  });
  setTimeout(() => stop.abort(), 500);
  assertEquals(await running, undefined);
  assertEquals(notices, ["Stopped before the first step: nothing was trained"]);
  assert(!namesIn(place.path).includes("run"));
});

Deno.test("SIGTERM ends a command whose model never ends, and the process that traces it", async () => {
  using place = new Place();
  place.write("mine.ts", modelOf({ loss: FOREVER }));
  const config = configOf(place, { model: { module: place.of("mine.ts") } });
  place.write("config.json", JSON.stringify(config));
  const running = startTrain(["config.json", "--out=run"], { cwd: place.path });
  const seen = new Set<number>();
  // The first check imports the module, the second one traces its plans.
  while (seen.size < 2) {
    for (const pid of childIds(running.pid, /workers\/module_check\.ts/)) seen.add(pid);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  running.kill("SIGTERM");
  const { code, stdout, stderr } = await running.ended;
  assertMatch(stderr, /^Stopping after this step; once more to stop at once$/m);
  assertMatch(stdout + stderr, /Stopped before the first step: nothing was trained/);
  assertEquals(code, 0);
  assert(!isAnyThere(seen), "a check is still running");
  assert(!namesIn(place.path).includes("run"));
});
