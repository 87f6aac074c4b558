/** The commands export and import as a user calls them: a run goes out, comes back, is the same. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { fileURLToPath } from "node:url";
import type { ExitName } from "../../src/base/user_error.ts";
import { tokenizerHash } from "../../src/data/tokenizers/mod.ts";
import type { Tokenizer } from "../../src/data/tokenizers/types.ts";
import { openModel } from "../../src/artifacts/model.ts";
import { runTask } from "./plain_task.ts";
import { assertOneLine, contents } from "./refusals.ts";
import { namesIn, Place, tinyArgs } from "./support.ts";

const TINY = fileURLToPath(new URL("../golden/hf_gpt2_tiny", import.meta.url));

/** A run of a moment. */
const SMALL = {
  steps: 2,
  micro_batch_size: 2,
  data: { seq_len: 16, stride: 16 },
  eval: { windows: 4 },
};

async function succeed(place: Place, name: string, ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runTask(place, { name, args });
  assertEquals([code, stderr], [0, ""]);
  return stdout;
}

Deno.test("a run that was trained goes out as GPT-2 and comes back as it was", async () => {
  using place = new Place();
  await place.succeed(tinyArgs("run", "--eval.every=2", "--model.positions=sinusoidal"));
  const said = await succeed(place, "export", "run", "--format=hf");
  assertStringIncludes(said, "of step 6 as GPT2LMHeadModel");
  assertStringIncludes(said, "Its sinusoidal positions were written as a table");
  assertStringIncludes(said, "Everything lies in " + place.of("run-hf"));
  assertStringIncludes(await succeed(place, "import", "run-hf", "--out=back"), "back: ");
  const run = await openModel(place.of("run"));
  const back = await openModel(place.of("back"));
  const step = (name: string, n: number) =>
    `${name}/checkpoints/step-0000000${n}/model.safetensors`;
  assertEquals(
    [...back.params.values()],
    [...run.params.values()],
    `${step("run", 6)} is not ${step("back", 0)}`,
  );
  assertEquals(
    tokenizerHash(back.tokenizer as Tokenizer),
    tokenizerHash(run.tokenizer as Tokenizer),
  );
  assertEquals(namesIn(place.path), ["back", "run", "run-hf", "text.txt", "tmp"]);
});

Deno.test("a recurrent run goes out with PyTorch's names and a page that loads it", async () => {
  using place = new Place();
  const config = { ...SMALL, model: { kind: "recurrent", cell: "gru", width: 8 } };
  place.write("gru.json", JSON.stringify(config));
  await place.succeed(["gru.json", "--data=text.txt", "--out=run"]);
  const said = await succeed(place, "export", "run", "--out", "out/gru", "--which=best");
  assertStringIncludes(said, "as gru with PyTorch's names");
  const files = namesIn(place.of("out/gru"));
  for (const name of ["config.json", "model.py", "model.safetensors", "tokenizer.shoal.json"]) {
    assertEquals(files.includes(name), true, name);
  }
});

Deno.test("a GPT-2 that transformers wrote becomes a run at step 0", async () => {
  using place = new Place();
  await succeed(place, "import", TINY);
  const { kind, step, config } = await openModel(place.of("runs/hf_gpt2_tiny"));
  assertEquals([kind, step, config?.name, config?.data.seq_len], ["run", 0, "hf_gpt2_tiny", 16]);
});

const LINES: Readonly<Record<string, { line: readonly string[]; exit: ExitName; says: string }>> = {
  "no path": { line: ["export"], exit: "config", says: "need one path of a model" },
  "two paths": { line: ["import", "a", "b"], exit: "config", says: "need one path of a model" },
  "an unknown flag": { line: ["export", "a", "--formt=hf"], exit: "config", says: "--format" },
  "an unknown layout": {
    line: ["export", "a", "--format=onnx"],
    exit: "config",
    says: "need hf: onnx",
  },
  "a folder that is not there": { line: ["export", "a"], exit: "noInput", says: "there is none" },
  "a folder of something else": { line: ["import", "tmp"], exit: "noInput", says: "holds nothing" },
  "a folder that holds something": {
    line: ["import", TINY, "--out=."],
    exit: "config",
    says: "need a folder that is empty or new",
  },
  "a name that no run has": {
    line: ["import", TINY, "--name=a/b"],
    exit: "config",
    says: "need letters, digits",
  },
};

for (const [fault, { line, exit, says }] of Object.entries(LINES)) {
  Deno.test(`export and import refuse ${fault} in one line and touch nothing`, async () => {
    using place = new Place();
    const [name = "", ...args] = line;
    const before = contents(place.path);
    assertOneLine(await runTask(place, { name, args }), { exit, says: [says] });
    assertEquals(contents(place.path), before);
  });
}
