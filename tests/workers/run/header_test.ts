/** The first lines of a run: what it is, where it goes, and what is not as by default. */
import { fileURLToPath } from "node:url";
import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import { changedKeys } from "../../../src/config/changed.ts";
import { loadConfig } from "../../../src/config/load.ts";
import { resolveConfig } from "../../../src/config/resolve.ts";
import { headerLines } from "../../../src/report/header_lines.ts";
import { textIn } from "../../../src/data/text.ts";
import { unevenOf } from "../../../src/budget/extent.ts";
import { headerOf } from "../../../workers/run/header.ts";
import { tinyConfig } from "../../support/gpt.ts";
import { letters } from "../../support/lockstep.ts";

const CONFIGS = new URL("../../../configs/", import.meta.url);

/** Every config of the repository, resolved. */
async function configs() {
  const names = Array.from(Deno.readDirSync(CONFIGS), ({ name }) => name)
    .filter((name) => name.endsWith(".ts"));
  assert(names.includes("gpt_char.ts"));
  return await Promise.all(
    names.map(async (name) =>
      resolveConfig(await loadConfig(fileURLToPath(new URL(name, CONFIGS))))
    ),
  );
}

Deno.test("the header of every config fits a terminal of 80 x 24 with room for the training", async () => {
  for (const config of await configs()) {
    const parts = { train: new Uint32Array(1_100_000), validation: new Uint32Array(122_000) };
    const corpus = { texts: [textIn(parts, { name: "moby_dick" })], vocabulary: 89 };
    const rows = headerOf(config, corpus, { out: "runs/a", from: 0 });
    const lines = headerLines(rows, 79);
    assertLessOrEqual(lines.length, 12, config.name);
    for (const line of lines) assertLessOrEqual(line.length, 79, line);
    assertEquals(rows.slice(0, 2).map(([name]) => name), ["run", "model"]);
  }
});

Deno.test("no config of the repository has anything to be warned of", async () => {
  for (const config of await configs()) assertEquals(unevenOf(config), [], config.name);
});

Deno.test("the header says what is trained, on what, how long, and where it goes", () => {
  const tiny = tinyConfig({ steps: 30, optim: { lr: 0.5 } });
  const config = { ...tiny, data: { ...tiny.data, path: "a b.txt" } };
  const header = Object.fromEntries(
    headerOf(config, letters(config), { out: "runs/x", from: 10 }),
  );
  assertEquals(header["run"], `${config.name}, from step 10`);
  assert(/^gpt, \d+ layers?, width \d+, \d+ heads?: \S+ parameters$/.test(header["model"] ?? ""));
  assert(
    /^a b\.txt: \d+ tokens to train, \d+ to validate \(char, vocabulary \d+\)$/.test(
      header["data"] ?? "",
    ),
    header["data"],
  );
  assert(
    /^30 of \S+ tokens \(\d+ micro-batches x \d+ windows x \d+\)$/.test(header["steps"] ?? ""),
  );
  assertEquals(header["folder"], "runs/x");
  assert(header["keys"]?.includes("optim.lr=0.5"), header["keys"]);
});

Deno.test("the header counts frozen parameters", () => {
  const config = tinyConfig({ optim: { groups: [{ match: "positions.*", frozen: true }] } });
  const [, model] = headerOf(config, letters(config), { out: "runs/x", from: 0 });
  // 8 positions of 16 features.
  assert(model?.[1].endsWith(" parameters, 128 frozen"), model?.[1]);
});

Deno.test("several texts are named, many are counted, and a source that reads none says so", () => {
  const config = tinyConfig();
  const of = (count: number) => {
    const parts = { train: new Uint32Array(9), validation: new Uint32Array(2) };
    const texts = Array.from({ length: count }, (_, i) => textIn(parts, { name: `t${i}` }));
    const corpus = { texts, vocabulary: 7 };
    return new Map(headerOf(config, corpus, { out: "o", from: 0 })).get("data");
  };
  assertEquals(of(2), "t0, t1: 18 tokens to train, 4 to validate (vocabulary 7)");
  assertEquals(of(9), "9 texts: 81 tokens to train, 18 to validate (vocabulary 7)");
  assertEquals(of(0), "made up by text");
});

Deno.test("changedKeys() are those whose values are not the defaults of this kind of model", () => {
  assertEquals(changedKeys(resolveConfig({})), []);
  const changed = changedKeys(resolveConfig({
    name: "a_b",
    model: { kind: "recurrent", cell: "gru", width: 128 },
    data: { bptt: 16, document_end: "the end" },
    report: { prompts: ["I am"] },
  }));
  assertEquals(changed, [
    "name=a_b",
    "model.kind=recurrent",
    "model.cell=gru",
    "data.bptt=16",
    "data.document_end=the end",
    'report.prompts=["I am"]',
  ]);
});
