/** A source of batches of one's own: a module that makes its data up, with options of its own. */
import {
  assertEquals,
  assertMatch,
  assertNotEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { loadCheckpoint, openModel, train, type TrainConfig, UserError } from "shoal";
import { runCommand } from "../e2e/command.ts";
import { Place } from "../e2e/support.ts";

/** Counts modulo `modulus` from a start that depends on the window. */
const COUNTING = `
import { defineSource, tokenTensors } from "shoal";
import * as z from "zod";

export default defineSource({
  source: "counting",
  needsText: false,
  options: z.strictObject({ modulus: z.int().min(2).default(5) }),
  task: ({ seq_len: time, options: { modulus } }) => ({
    time,
    vocabulary: modulus,
    classes: modulus,
    targetKind: "next_token",
    tensors: tokenTensors({ time, targetKind: "next_token" }),
    countedPerWindow: time,
    carries: false,
  }),
  make({ seq_len: time, options: { modulus } }, { windows, microBatches }) {
    const batchFrom = (first) => {
      const at = (shift) =>
        Uint32Array.from({ length: windows * time }, (_, i) => (first + i + shift) % modulus);
      return { tensors: { tokens: at(0), targets: at(1) }, counted: windows * time, fresh: true };
    };
    return {
      train: ({ step, microBatch }) => batchFrom(step * microBatches + microBatch),
      sequences: 2,
      evaluation: (sequence) => [batchFrom(sequence)],
    };
  },
});
`;

const config = (module: string, options = {}): TrainConfig => ({
  device: "reference",
  steps: 3,
  workers: 1,
  micro_batches: 2,
  micro_batch_size: 2,
  model: { layers: 1, width: 8, heads: 2 },
  data: { module, seq_len: 4, options },
  eval: { every: 0 },
  report: { sample_length: 0 },
});

Deno.test("a module gives the batches, with the same hash for 1 and 2 workers, and a resume", async () => {
  using place = new Place();
  place.write("counting.js", COUNTING);
  const own = config(place.of("counting.js"));
  const one = await train(own, { out: place.of("one") });
  const two = await train({ ...own, workers: 2, steps: 2 }, { out: place.of("two") });
  const rest = await train({ steps: 3 }, { out: two.out, resume: true });
  assertEquals(rest.stateHash, one.stateHash);
  const seven = await train({ ...config(place.of("counting.js"), { modulus: 7 }), steps: 1 }, {
    out: place.of("seven"),
  });
  assertEquals(seven.params > one.params, true);
  const { message } = await assertRejects(
    () => train({ data: { options: { modulus: 6 } } }, { out: two.out, resume: true }),
    UserError,
  );
  assertMatch(message, /^Cannot resume with another config .*data\.options\.modulus: 5 against 6/);
});

/** A model whose table is no `tokens.weight`, and that cannot continue texts. */
const PLAIN = `
import { headModel, layers, outputHead } from "shoal";
import * as z from "zod";

export default headModel({
  kind: "plain",
  schema: z.strictObject({ kind: z.literal("plain") }),
  head(scope, { tokens, vocabulary, classes }) {
    const x = layers.embed(scope.in("table"), tokens, { vocabulary: vocabulary + 3, width: 4 });
    return outputHead(scope.in("out"), x, { classes });
  },
});
`;

Deno.test("model and source of one's own: parameters may have any name and any number of rows", async () => {
  using place = new Place();
  place.write("counting.js", COUNTING);
  place.write("plain.js", PLAIN);
  const own = {
    ...config(place.of("counting.js")),
    model: { module: place.of("plain.js") },
    eval: { every: 1 },
  };
  const { out, stateHash, valLoss } = await train(own, { out: place.of("run") });
  const { parameters, stateHash: saved } = await loadCheckpoint(out);
  assertEquals(saved, stateHash);
  assertEquals(Array.from(parameters.keys()).sort(), ["out.bias", "out.weight", "table.weight"]);
  assertEquals(parameters.get("table.weight")?.shape, [8, 4]);
  using model = await openModel(out, { device: "reference" });
  assertEquals([model.vocabulary, (await model.evaluate()).loss], [5, valLoss]);
  const { message } = await assertRejects(() => model.generate([1]), UserError);
  assertMatch(message, /^Cannot generate from \S+: need a model of text: it has no tokenizer$/);
  const refused = await assertRejects(() => model.logits([1]), Error);
  assertEquals(refused.message.split("\n").length, 1);
  const exported = await runCommand("export", [out, "--out=exported"], { cwd: place.path });
  assertEquals([exported.code, exported.stderr.split("\n").length], [64, 2], exported.stderr);
});

Deno.test("options and batches that do not fit are refused in one line", async () => {
  using place = new Place();
  place.write("counting.js", COUNTING);
  const refused = async (work: () => Promise<unknown>, pattern: RegExp) => {
    const { message } = await assertRejects(work, UserError);
    assertMatch(message, pattern);
    assertEquals(message.split("\n").length, 1);
  };
  await refused(
    () => train(config(place.of("counting.js"), { modulus: 1 }), { out: place.of("a") }),
    /^Cannot use this config: data\.options\.modulus: need integer >= 2: 1$/,
  );
  place.write("none.js", "export default { source: 'none', needsText: false, make() {} };");
  await refused(
    () => train(config(place.of("none.js")), { out: place.of("b") }),
    /^Cannot use the module \S+none\.js: need a source as default export, by defineSource/,
  );
  place.write(
    "short.js",
    COUNTING.replace('"counting"', '"short"').replace("windows * time }", "3 }"),
  );
  await refused(
    () => train(config(place.of("short.js")), { out: place.of("c") }),
    /^Cannot use a batch of source short \(\S+short\.js\): need tokens u32 of 8 elements: got 3$/,
  );
});

/** The module with one part replaced. */
function changed(part: string, by: string): string {
  const code = COUNTING.replace(part, by);
  assertNotEquals(code, COUNTING, part);
  return code;
}

Deno.test("a source may be an object of a class", async () => {
  using place = new Place();
  place.write("counting.js", COUNTING);
  const given =
    "return {\n      train: ({ step, microBatch }) => batchFrom(step * microBatches + microBatch),\n" +
    "      sequences: 2,\n      evaluation: (sequence) => [batchFrom(sequence)],\n    };";
  const made = `class Counting {
      train({ step, microBatch }) { return batchFrom(step * microBatches + microBatch); }
      get sequences() { return 2; }
      evaluation(sequence) { return [batchFrom(sequence)]; }
    }
    return new Counting();`;
  place.write("class.js", changed(given, made));
  const [plain, own] = await Promise.all(
    ["counting", "class"].map((name) =>
      train(config(place.of(`${name}.js`)), { out: place.of(name) })
    ),
  );
  assertEquals(own?.valLoss, plain?.valLoss);
  assertEquals(own?.loss, plain?.loss);
});

Deno.test("batches that break what their task promises are refused in one line", async () => {
  const lies: readonly (readonly [part: string, by: string, says: string])[] = [
    ["% modulus);", "% modulus + 1);", "need tokens below 5: got 5"],
    ["targets: at(1)", "targets: at(1).map((id) => id + 9)", "need targets below 5: got 1"],
    ["counted: windows * time,", "counted: 1,", "need counted 2 x countedPerWindow 4: got 1"],
    [
      "countedPerWindow: time",
      "countedPerWindow: undefined",
      "need countedIn(step), since countedPerWindow is undefined",
    ],
  ];
  for (const [part, by, says] of lies) {
    using place = new Place();
    place.write("lie.js", changed(part, by));
    const { message } = await assertRejects(
      () => train(config(place.of("lie.js")), { out: place.of("run") }),
      UserError,
    );
    assertStringIncludes(message, says);
    assertEquals(message.split("\n").length, 1);
  }
});
