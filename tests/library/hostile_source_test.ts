/** Sources of one's own that throw, hang, give other batches or none: each is named in one line. */
import { assertEquals, assertMatch, assertNotEquals, assertRejects } from "@std/assert";
import { train, type TrainConfig, UserError } from "shoal";
import { resolveConfig } from "../../src/config/resolve.ts";
import { withUserModules } from "../../src/config/user/user_modules.ts";
import { requireSoundSource, sourceFaultAt } from "../../src/corpus/examined.ts";
import { Place } from "../e2e/support.ts";

const COUNTING = `
import { defineSource, tokenTensors } from "shoal";
const SHIFTS = new Uint32Array(8);
let calls = 0;
export default defineSource({
  source: "counting",
  needsText: false,
  task: ({ seq_len: time }) => ({
    time,
    vocabulary: 5,
    classes: 5,
    targetKind: "next_token",
    tensors: tokenTensors({ time, targetKind: "next_token" }),
    countedPerWindow: time,
    carries: false,
  }),
  make({ seq_len: time }, { windows }) {
    const batchFrom = (first) => {
      const at = (shift) =>
        Uint32Array.from({ length: windows * time }, (_, i) => (first + i + shift) % 5);
      const tokens = at(0).map((id, i) => (id + SHIFTS[i]) % 5);
      return { tensors: { tokens, targets: at(1) }, counted: windows * time, fresh: true };
    };
    return {
      train: ({ step, microBatch }) => batchFrom(step + microBatch),
      sequences: 2,
      evaluation: (sequence) => [batchFrom(sequence)],
    };
  },
});
`;

/** The module with one part replaced. */
function changed(part: string, by: string): string {
  const code = COUNTING.replace(part, by);
  assertNotEquals(code, COUNTING, part);
  return code;
}

const config = (module: string): TrainConfig => ({
  device: "reference",
  steps: 3,
  workers: 1,
  micro_batches: 2,
  micro_batch_size: 2,
  model: { layers: 1, width: 8, heads: 2 },
  data: { module, seq_len: 4 },
  eval: { every: 0 },
  report: { sample_length: 0 },
});

const TRAIN = "train: ({ step, microBatch }) => batchFrom(step + microBatch)";
const EVALUATION = "evaluation: (sequence) => [batchFrom(sequence)]";

/** What is changed, how, the exit, and what the line says behind the module's path. */
const FAULTS: readonly (readonly [part: string, by: string, exit: string, says: RegExp])[] = [
  [
    TRAIN,
    "train() { throw new Error('the shelf\\nis empty'); }",
    "data",
    /a batch of source counting \(\S+\): the shelf at step 0, micro-batch 0$/,
  ],
  [
    TRAIN,
    "train({ step }) { if (step === 2) throw { a: 1 }; return batchFrom(step); }",
    "data",
    /a batch of source counting \(\S+\): \{"a":1\} at step 2, micro-batch 0$/,
  ],
  [
    TRAIN,
    "async train() { return batchFrom(0); }",
    "data",
    /a batch of source counting \(\S+\): need its result, not a promise: it must not be async$/,
  ],
  ["fresh: true", "fresh: 1", "data", /need fresh, true or false or a list of 2 of them: got 1$/],
  [
    TRAIN,
    "train: () => batchFrom(calls++)",
    "data",
    /the batches of source counting \(\S+\): need equal batches for one step and micro-batch: step 0, micro-batch 0 gave tokens\[0\] 4, then 0$/,
  ],
  [
    TRAIN,
    "train: () => (crypto.getRandomValues(SHIFTS), batchFrom(0))",
    "data",
    /need equal batches for one step and micro-batch: step \d, micro-batch \d gave tokens\[\d+\] \d, then \d$/,
  ],
  [
    "const SHIFTS = new Uint32Array(8);",
    "const SHIFTS = crypto.getRandomValues(new Uint32Array(8));",
    "data",
    /need equal batches in every process: step 0, micro-batch 0 has other tokens in another one$/,
  ],
  ["sequences: 2", "sequences: 0", "data", /need sequences of its evaluation: got 0$/],
  ["sequences: 2", "sequences: undefined", "config", /need sequences, .*: got undefined$/],
  [
    EVALUATION,
    "evaluation: () => []",
    "data",
    /need targets that count in its evaluation: got no batches in 2 sequences$/,
  ],
  [
    EVALUATION,
    "evaluation: (sequence) => [{ ...batchFrom(sequence), counted: 0 }]",
    "data",
    /need targets that count in its evaluation: got 2 batches without one in 2 sequences$/,
  ],
  [
    EVALUATION,
    "*evaluation(sequence) { yield batchFrom(sequence); throw new Error('no more'); }",
    "data",
    /a batch of source counting \(\S+\): no more$/,
  ],
  [
    EVALUATION,
    "evaluation: () => ({})",
    "data",
    /need evaluation\(0\) to return a list or a generator of batches: got \{\}$/,
  ],
  [
    "return {\n      train",
    "return null;\n    return {\n      train",
    "config",
    /the batches of source counting \(\S+\): need make\(\) to return \{ train, sequences, evaluation \}: got null$/,
  ],
];

Deno.test("a source that throws, is impure, or evaluates nothing is refused by name before a run", async (t) => {
  for (const [part, by, exit, says] of FAULTS) {
    await t.step(by, async () => {
      using place = new Place();
      place.write("lie.js", changed(part, by));
      const error = await assertRejects(
        () => train(config(place.of("lie.js")), { out: place.of("run") }),
        UserError,
      );
      assertEquals([error.exit, error.message.split("\n").length], [exit, 1], error.message);
      assertMatch(
        error.message,
        /^Cannot use (a batch|the batches) of source counting \(\S+lie\.js\): /,
      );
      assertMatch(error.message, says);
    });
  }
});

const HANGS: readonly (readonly [part: string, by: string, says: RegExp])[] = [
  [TRAIN, "train() { for (;;); }", /: step 0, micro-batch 0 takes longer than 1 s$/],
  [
    EVALUATION,
    "*evaluation(sequence) { yield batchFrom(sequence); for (;;); }",
    /: evaluation sequence 0, batch 1 takes longer than 1 s$/,
  ],
  [
    "return {\n      train",
    "for (;;);\n    return {\n      train",
    /: make\(\) takes longer than 1 s$/,
  ],
];

Deno.test("a batch that hangs is ended at the time limit, and its source named", async (t) => {
  for (const [part, by, says] of HANGS) {
    await t.step(by, async () => {
      using place = new Place();
      place.write("hang.js", changed(part, by));
      const run = resolveConfig(await withUserModules(config(place.of("hang.js"))));
      const { exit, message } = await assertRejects(
        () => requireSoundSource(run, { texts: [], vocabulary: 0 }, { limit: 1000 }),
        UserError,
      );
      assertEquals(exit, "data");
      assertMatch(message, says);
    });
  }
});

Deno.test("the batches of one step are examined once a worker is lost there", async () => {
  using place = new Place();
  place.write(
    "late.js",
    changed(TRAIN, "train({ step }) { if (step === 1) for (;;); return batchFrom(step); }"),
  );
  const run = resolveConfig(await withUserModules(config(place.of("late.js"))));
  const corpus = { texts: [], vocabulary: 0 };
  // The ends of the run are sound.
  await requireSoundSource(run, corpus);
  assertEquals(await sourceFaultAt(run, corpus, 2), undefined);
  const fault = await sourceFaultAt(run, corpus, 0, 1000);
  assertMatch(
    fault?.message ?? "",
    /source counting .*: step 1, micro-batch 0 takes longer than 1 s$/,
  );
});
