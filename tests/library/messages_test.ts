/** What commands and programs say of modules of one's own: keys, names, paths, missing files. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { openModel, train } from "shoal";
import { runCommand } from "../e2e/command.ts";
import { ONE_ADAPTER, Place, ROOT } from "../e2e/support.ts";
import { onGpu } from "../support/gpu.ts";

const MODEL = `
import { headModel, layers, outputHead } from "shoal";
import * as z from "zod";
export default headModel({
  kind: "plain",
  schema: z.strictObject({
    kind: z.literal("plain"),
    features: z.int().min(1).default(4).describe("Features per token"),
  }),
  head(scope, { tokens, vocabulary, classes, last }, { features }) {
    const x = layers.embed(scope.in("table"), tokens, { vocabulary, width: features });
    const y = layers.linear(scope.in("hidden"), x, { width: features });
    return outputHead(scope.in("out"), last ? layers.readout(y, "last") : y, { classes });
  },
});
`;

const SOURCE = `
import { defineSource, tokenTensors } from "shoal";
import * as z from "zod";
export default defineSource({
  source: "counting",
  needsText: false,
  options: z.strictObject({ modulus: z.int().min(2).default(5).describe("Distinct numbers") }),
  task: ({ seq_len: time, options: { modulus } }) => ({
    time,
    vocabulary: modulus,
    classes: modulus,
    targetKind: "next_token",
    tensors: tokenTensors({ time, targetKind: "next_token" }),
    countedPerWindow: time,
    carries: false,
  }),
  make({ seq_len: time, options: { modulus } }, { windows }) {
    const at = (shift) =>
      Uint32Array.from({ length: windows * time }, (_, i) => (i + shift) % modulus);
    const batch = () =>
      ({ tensors: { tokens: at(0), targets: at(1) }, counted: windows * time, fresh: true });
    return { train: batch, sequences: 1, evaluation: () => [batch()] };
  },
});
`;

const TOKENIZER = `
import { defineTokenizer } from "shoal";
export default defineTokenizer({
  name: "letters",
  learn: (text) => Array.from(new Set(text)),
  make: (letters) => ({
    size: letters.length,
    encode: (text) => Array.from(text, (letter) => letters.indexOf(letter)),
    decode: (ids) => ids.map((id) => letters[id]).join(""),
  }),
});
`;

const tiny = {
  device: "reference",
  steps: 1,
  workers: 1,
  micro_batches: 1,
  micro_batch_size: 1,
  eval: { windows: 1 },
  report: { sample_length: 0 },
} as const;

/** A place with modules and a config in a folder of its own, and a text beside that folder. */
function ownPlace(data: object = { module: "source.js" }): Place {
  const place = new Place();
  Deno.mkdirSync(place.of("own"));
  place.write("text.txt", "the sea and the whale, again and again. ".repeat(60));
  place.write("own/model.js", MODEL);
  place.write("own/source.js", SOURCE);
  place.write("own/letters.js", TOKENIZER);
  const config = { ...tiny, name: "own", model: { module: "model.js" } };
  place.write("own/c.json", JSON.stringify({ ...config, data: { seq_len: 4, ...data } }));
  return place;
}

const shoal = (place: Place, command: string, ...words: readonly string[]) =>
  runCommand(command, words, { cwd: place.path, env: { TMPDIR: place.of("tmp") } });

Deno.test("train --help lists the keys of the modules that a config names", async () => {
  using place = ownPlace();
  const { code, stdout, stderr } = await shoal(place, "train", "own/c.json", "--help");
  assertEquals([code, stderr], [0, ""]);
  assertMatch(stdout, /^ *--model\.features +4 +Features per token \(integer >= 1\)$/m);
  assertMatch(stdout, /^ *--data\.options\.modulus +5 +Distinct numbers \(integer >= 2\)$/m);
  assertEquals(/--model\.heads/.test(stdout), false);
  const named = await shoal(place, "train", "--model.module=own/model.js", "-h");
  assertMatch(named.stdout, /--model\.features/);
  place.write("own/model.js", "export default 3;");
  const broken = await shoal(place, "train", "own/c.json", "--help");
  assertEquals(broken.code, 0);
  assertStringIncludes(broken.stdout, "--model.heads");
  assertMatch(
    broken.stderr,
    /^The keys of its modules are not listed: Cannot use the module \S+: /,
  );
});

Deno.test("options of a source are keys of train, plan and sweep", async () => {
  using place = ownPlace();
  const trained = await shoal(place, "train", "own/c.json", "--data.options.modulus=7");
  assertEquals([trained.code, trained.stderr], [0, ""]);
  assertMatch(trained.stdout, /data\.options\.modulus=7/);
  const without = await shoal(place, "train", "own/c.json", "--data.options.modulus");
  assertMatch(
    without.stderr,
    /^error: Cannot read --data\.options\.modulus: need a value, as in --data\.options\.modulus=value/,
  );
  place.write(
    "own/sweep.json",
    JSON.stringify({
      name: "swept",
      base: { ...tiny, model: { module: "model.js" }, data: { module: "source.js", seq_len: 4 } },
      axes: { "model.features": [2, 4] },
    }),
  );
  const words = ["own/sweep.json", "--out=swept", "--data.options.modulus=6"];
  const swept = await shoal(place, "sweep", ...words);
  assertEquals(swept.code, 0, swept.stderr);
  const stored = Deno.readTextFileSync(place.of("swept/trials.jsonl"));
  assertMatch(stored, /"modulus":6/);
});

Deno.test("a config's text is beside it, one of the command line in the working folder", async () => {
  using place = ownPlace({ path: "../text.txt", tokenizer: "letters.js" });
  const beside = await shoal(place, "train", "own/c.json", "--out=a");
  assertEquals([beside.code, beside.stderr], [0, ""]);
  assertMatch(beside.stdout, /^ *data +text\.txt: .*\(letters\.js, vocabulary 14\)$/m);
  const given = await shoal(place, "train", "own/c.json", "--data=text.txt", "--out=b");
  assertEquals([given.code, given.stderr], [0, ""]);
  assertEquals(
    place.json("a/summary.json")["state_hash"],
    place.json("b/summary.json")["state_hash"],
  );
  const { out } = await train(place.of("own/c.json"), { out: place.of("c") });
  assertEquals(
    place.json("c/summary.json")["state_hash"],
    place.json("a/summary.json")["state_hash"],
  );
  assertEquals(out, place.of("c"));
});

Deno.test("plan counts the matrices of a model whose layers have names of its own", async () => {
  using place = ownPlace();
  const { stdout } = await shoal(place, "plan", "own/c.json", "--probe=0", "--json");
  const { parameters, flops } = JSON.parse(stdout);
  // Table [5, 4], hidden [4, 4] + 4, output [4, 5] + 5.
  assertEquals([parameters.all, parameters.matrices], [65, 16]);
  assertEquals(flops[0].per_token, 6 * 65);
});

Deno.test("a module that imports a missing file is told which", async () => {
  using place = ownPlace();
  place.write("own/model.js", `import "./none.js";\n${MODEL}`);
  const { code, stderr } = await shoal(place, "train", "own/c.json");
  assertEquals(
    [code, stderr],
    [
      64,
      `error: Cannot use the module ${place.of("own/model.js")}: it imports ` +
      `${place.of("own/none.js")}, which is missing at line 1, column 8\n`,
    ],
  );
});

Deno.test("an evaluation gives the terms of the loss, and a made-up source as its text", async () => {
  using place = ownPlace();
  const { out } = await train(place.of("own/c.json"), { out: place.of("run") });
  using model = await openModel(out, { device: "reference" });
  const { loss, terms, accuracy, texts } = await model.evaluate();
  assertEquals(terms, { nll: loss });
  assertEquals([typeof accuracy, texts.map(({ name }) => name)], ["number", ["counting"]]);
  const { code, stderr } = await shoal(place, "eval", "run", "--data=text.txt");
  assertEquals(code, 64);
  assertMatch(
    stderr,
    /^error: Cannot evaluate on text\.txt: need a model that reads a text: \S+ was trained on what its source counting makes up\n$/,
  );
});

Deno.test(onGpu("a program that opens a device prints nothing of its driver"), async () => {
  using place = new Place();
  place.write(
    "open.ts",
    'import { openWebGpu } from "shoal";\n(await openWebGpu()).close();\nconsole.log("opened");\n',
  );
  const kept = ["HOME", "DENO_DIR", "XDG_CACHE_HOME", "VK_ICD_FILENAMES", "VK_DRIVER_FILES"];
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-q", "--no-prompt", "-A", `--config=${ROOT}deno.json`, place.of("open.ts")],
    clearEnv: true,
    env: {
      ...Object.fromEntries(kept.flatMap((name) => {
        const value = Deno.env.get(name);
        return value === undefined ? [] : [[name, value]];
      })),
      ...ONE_ADAPTER,
    },
    stdin: "null",
  }).output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  assertEquals([code, out, err], [0, "opened\n", ""]);
});
