/** Modules of the user in commands: one line for each fault, and the hash in every identity. */
import { assertEquals, assertMatch } from "@std/assert";
import { runCommand } from "../e2e/command.ts";
import { namesIn, Place } from "../e2e/support.ts";

/** A model whose loss and logits are given as code. */
const modelOf = ({ loss = "real.loss", logits = "real.logits", top = "" } = {}) => `
import { headModel, layers, outputHead } from "shoal";
import * as z from "zod";
${top}
const schema = z.strictObject({
  kind: z.literal("lookup"),
  width: z.int().min(1).default(4).describe("Features per token"),
});
const real = headModel({
  kind: "lookup",
  schema,
  head(scope, { tokens, vocabulary, classes, last }, { width }) {
    const x = layers.embed(scope.in("tokens"), tokens, { vocabulary, width });
    return outputHead(scope.in("head"), last ? layers.readout(x, "last") : x, { classes });
  },
  generates: () => ({ memory: "window" }),
});
export default { ...real, loss: ${loss}, logits: ${logits} };
`;

const config = (module = "./model.ts") => ({
  name: "own",
  device: "reference",
  steps: 2,
  workers: 2,
  micro_batches: 2,
  micro_batch_size: 1,
  model: { module },
  data: { path: "../text.txt", seq_len: 8, tokenizer: "byte" },
  eval: { windows: 1 },
  checkpoint: { every: 1 },
  report: { sample_length: 0 },
});

/** A place with a model, and a config beside it in a folder of its own. */
function ownPlace(text = modelOf()): Place {
  const place = new Place();
  Deno.mkdirSync(place.of("own"));
  place.write("own/model.ts", text);
  place.write("own/config.json", JSON.stringify(config()));
  return place;
}

const shoal = (place: Place, command: string, ...words: readonly string[]) =>
  runCommand(command, words, { cwd: place.path, env: { TMPDIR: place.of("tmp") } });

/** The error of a command that is refused, with its exit code. */
async function refusal(place: Place, ...words: readonly string[]): Promise<string> {
  const { code, stderr } = await shoal(place, "train", ...words);
  const lines = stderr.trimEnd().split("\n");
  assertEquals(lines.length, 1, stderr);
  place.assertQuiet();
  return `${code} ${lines[0]}`;
}

Deno.test("a config names a module of the user, and every command knows its model", async (t) => {
  using place = ownPlace();
  await t.step("train", async () => {
    const { code, stdout, stderr } = await shoal(place, "train", "own/config.json");
    assertEquals([code, stderr], [0, ""]);
    assertMatch(stdout, /^ *model +lookup, width 4: /m);
    assertMatch(stdout, /^ *module +\S+\/own\/model\.ts \(SHA-256 [0-9a-f]{12}\)$/m);
    const stored = place.json("runs/own/config.json")["model"];
    assertEquals(Object(stored).module, place.of("own/model.ts"));
    const { config } = place.json("runs/own/checkpoints/step-00000002/manifest.json");
    assertEquals(Object(config).model, stored);
  });
  await t.step("its keys are keys of the command line", async () => {
    const { code, stdout } = await shoal(
      place,
      "train",
      ...["own/config.json", "--model.width=8", "--out=wide", "--workers=1"],
    );
    assertEquals(code, 0);
    assertMatch(stdout, /^ *model +lookup, width 8: /m);
    assertMatch(
      await refusal(place, "own/config.json", "--model.widht=8", "--out=x"),
      /^64 error: Unknown key "model\.widht": did you mean "model\.width"\?$/,
    );
    assertMatch(
      await refusal(place, "own/config.json", "--model.width=0", "--out=x"),
      /^64 error: Cannot use this config: model\.width: need integer >= 1: 0$/,
    );
  });
  await t.step("resume, eval, generate, plan, and a new run that starts from it", async () => {
    const resumed = await shoal(place, "train", "--resume=runs/own", "--steps=3");
    assertEquals([resumed.code, resumed.stderr], [0, ""]);
    const evaluated = await shoal(place, "eval", "runs/own", "--device=reference");
    assertEquals([evaluated.code, evaluated.stderr], [0, ""]);
    const words = ["runs/own", "--device=reference", "--prompt=a", "--tokens=3"];
    assertEquals((await shoal(place, "generate", ...words)).code, 0);
    const planned = await shoal(place, "plan", "own/config.json", "--probe=0", "--workers=1");
    assertEquals([planned.code, planned.stderr], [0, ""]);
    const begun = ["--init=runs/own", "--data=text.txt", "--steps=1", "--out=begun"];
    const more = ["--device=reference", "--workers=1", "--report.sample_length=0"];
    const { code, stderr } = await shoal(place, "train", ...begun, ...more);
    assertEquals([code, stderr], [0, ""]);
  });
  await t.step("a changed or missing module is refused by name", async () => {
    Deno.renameSync(place.of("own/model.ts"), place.of("moved.ts"));
    const path = place.of("own/model.ts");
    assertEquals(
      await refusal(place, "--resume=runs/own", "--steps=4"),
      `66 error: Cannot use the module ${path}: need its file: it is missing; ` +
        "--model.module=PATH names another place of it",
    );
    const moved = await shoal(
      place,
      "train",
      ...["--resume=runs/own", "--steps=4", "--model.module=moved.ts"],
    );
    assertEquals([moved.code, moved.stderr], [0, ""]);
    place.write("own/model.ts", modelOf({ top: "// changed" }));
    assertMatch(
      await refusal(place, "--resume=runs/own", "--steps=5", "--model.module=own/model.ts"),
      /^78 error: Cannot go on with another module \S+ \(model\.module\): .*[0-9a-f]{64}/,
    );
    assertMatch(
      await refusal(place, "own/config.json", "--resume=runs/own", "--steps=5"),
      /^78 error: Cannot resume with another config .*model\.sha256: "[0-9a-f]+\.\.\. against "/,
    );
  });
});

Deno.test("a module that throws, hangs or lies about its shapes gets one line", async () => {
  using place = ownPlace();
  const line = async (text: string) => {
    place.write("own/model.ts", text);
    return (await refusal(place, "own/config.json", "--workers=1")).replaceAll(place.path, "");
  };
  assertMatch(
    await line('throw new Error("no weights today");'),
    /^64 error: Cannot use the module \/own\/model\.ts: no weights today at line 1, column 7$/,
  );
  assertMatch(await line("export default 3;"), /need a model as default export, by defineModel/);
  assertMatch(await line(modelOf().replaceAll("lookup", "gpt")), /Shoal has a model gpt$/);
  assertMatch(
    await line(modelOf({ loss: "() => ({ nll: { sum: 3, per: 'targets', weight: 1 } })" })),
    /^64 error: Cannot trace the loss of model lookup \(.*\): term nll: need f32 \[1\]: got/,
  );
  assertMatch(
    await line(modelOf({ loss: "() => { throw new Error('mine'); }" })),
    /^64 error: Cannot trace the loss of model lookup \(\/own\/model\.ts\): mine$/,
  );
  assertEquals(namesIn(place.of("own")), ["config.json", "model.ts"]);
});

Deno.test("a sweep trains a model of the user, and its trials have the module in their keys", async () => {
  using place = ownPlace();
  const { name: _, ...base } = config();
  const sweep = { name: "swept", base: { ...base, workers: 1 }, axes: { "model.width": [4, 8] } };
  place.write("own/sweep.json", JSON.stringify(sweep));
  const keysOf = async (out: string) => {
    const { code, stderr } = await shoal(place, "sweep", "own/sweep.json", `--out=${out}`);
    assertEquals(code, 0, stderr);
    return Deno.readTextFileSync(place.of(`${out}/trials.jsonl`)).trim().split("\n")
      .map((line) => String(JSON.parse(line)["key"]));
  };
  const first = await keysOf("first");
  assertEquals(first.length, 2);
  place.write("own/model.ts", modelOf({ top: "// another" }));
  const second = await keysOf("second");
  assertEquals(second.filter((key) => first.includes(key)), []);
});
