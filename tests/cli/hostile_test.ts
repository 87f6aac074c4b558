/**
 * Texts that steer a terminal, a table or a page, by every way into a command: none reaches what shows
 * them, and what was said is still said.
 */
import { assert, assertEquals, assertLess } from "@std/assert";
import { fileURLToPath } from "node:url";
import { endingOf } from "../../src/cli/command.ts";
import { exportCommand } from "../../src/cli/export/export.ts";
import { generateCommand } from "../../src/cli/generate/generate.ts";
import { importCommand } from "../../src/cli/import/import.ts";
import { planCommand } from "../../src/cli/plan/plan.ts";
import { prepareCommand } from "../../src/cli/prepare/prepare.ts";
import { scalingCommand } from "../../src/cli/scaling/scaling.ts";
import { sweepCommand } from "../../src/cli/sweep/sweep.ts";
import { trainCommand } from "../../src/cli/train/train.ts";
import { progressPrinter } from "../../src/report/progress/progress.ts";
import type { RunEvent } from "../../src/report/events.ts";
import { textOf } from "../e2e/text.ts";
import { checkpoint, END, RUN, step, TempFolder } from "../report/fixture.ts";
import { linesOf, rowsOf } from "../scaling/sweep.ts";
import { foreignFile } from "../support/foreign.ts";
import { heard } from "../support/heard.ts";
import { assertHarmless, HOSTILE } from "../support/hostile.ts";

type Command = (args: readonly string[]) => Promise<unknown>;

const TINY = fileURLToPath(new URL("../golden/hf_gpt2_tiny", import.meta.url));
const BASE = { device: "reference", workers: 1, model: { layers: 1, width: 8, heads: 2 } };

/** A folder with files that a stranger wrote. */
class Desk extends TempFolder {
  of(name: string): string {
    return `${this.path}/${name}`;
  }

  write(name: string, content: string | Uint8Array): string {
    const path = this.of(name);
    Deno.mkdirSync(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    Deno.writeFileSync(
      path,
      typeof content === "string" ? new TextEncoder().encode(content) : content,
    );
    return path;
  }

  json(name: string, value: unknown): string {
    return this.write(name, JSON.stringify(value));
  }

  /** A config that trains on a text here, with changes. */
  config(change: Readonly<Record<string, unknown>> = {}, name = "config.json"): string {
    const path = this.write("text.txt", textOf(1, 4000));
    return this.json(name, { ...BASE, data: { path, seq_len: 8 }, ...change });
  }

  /** The tiny GPT-2 with other files. */
  model(change: Readonly<Record<string, string | Uint8Array>>): string {
    for (const name of ["config.json", "model.safetensors", "tokenizer.json"]) {
      this.write(`model/${name}`, Deno.readFileSync(`${TINY}/${name}`));
    }
    for (const [name, content] of Object.entries(change)) this.write(`model/${name}`, content);
    return this.of("model");
  }
}

/** The hostile text as a name of a file. */
function named(text: string): string {
  return text.replaceAll("/", "|").replaceAll("\0", "0");
}

/** Ways in: a command and its arguments, with the text somewhere. */
const WAYS: Readonly<
  Record<string, (text: string, desk: Desk) => readonly [Command, ...string[]]>
> = {
  "a key of a config": (text, desk) => [trainCommand, desk.config({ [text]: 1 })],
  "a key below another": (text, desk) => [planCommand, desk.config({ optim: { [text]: 1 } })],
  "a value of a config": (text, desk) => [planCommand, desk.config({ device: text })],
  "the name of a run": (
    text,
    desk,
  ) => [trainCommand, desk.config({ name: named(text) }), "--print-config"],
  "the folder of a run, planned": (
    text,
    desk,
  ) => [planCommand, desk.config({ name: text }), "--probe=0"],
  "the same as JSON": (
    text,
    desk,
  ) => [planCommand, desk.config({ name: text }), "--probe=0", "--json"],
  "an error that a config throws": (text, desk) => [
    trainCommand,
    desk.write("a.ts", `throw new Error(${JSON.stringify(text)});\nexport default {};`),
  ],
  "a key on the command line": (text) => [trainCommand, `--${text}=1`],
  "a value on the command line": (text) => [trainCommand, `--steps=${text}`],
  "the path of a config": (text, desk) => [
    trainCommand,
    desk.config({ [text]: 1 }, `${named(text)}/a.json`),
  ],
  "the path of a text": (text, desk) => [
    trainCommand,
    desk.config(),
    `--data=${desk.of(named(text))}`,
  ],
  "the path of an input": (text, desk) => [
    prepareCommand,
    desk.write(`${named(text)}.bin`, Uint8Array.of(0, 255, 254)),
    `--out=${desk.of("tokens")}`,
  ],
  "the path of tokens that are checked": (text, desk) => [
    prepareCommand,
    `--check=${desk.of(named(text))}`,
  ],
  "the name of a model's folder": (text, desk) => [exportCommand, desk.of(named(text))],
  "metadata of a safetensors file": (text, desk) => {
    const file = foreignFile({});
    const header = new TextEncoder().encode(
      JSON.stringify({ __metadata__: { [text]: text, step: text }, [text]: 3 }),
    );
    const bytes = new Uint8Array(8 + header.length);
    bytes.set(file.subarray(0, 8));
    new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true);
    bytes.set(header, 8);
    return [importCommand, desk.model({ "model.safetensors": bytes }), `--out=${desk.of("run")}`];
  },
  "dtypes of a safetensors file": (text, desk) => [
    importCommand,
    desk.model({ "model.safetensors": foreignFile({ w: [text, [1], new Uint8Array(4)] }) }),
    `--out=${desk.of("run")}`,
  ],
  "the kind of a model": (text, desk) => [
    importCommand,
    desk.model({ "config.json": JSON.stringify({ model_type: text, activation_function: text }) }),
    `--out=${desk.of("run")}`,
  ],
  "the kind of a tokenizer": (text, desk) => {
    const json = JSON.parse(Deno.readTextFileSync(`${TINY}/tokenizer.json`));
    const changed = {
      ...json,
      model: { ...json.model, type: text },
      pre_tokenizer: { type: text },
    };
    return [
      prepareCommand,
      desk.write("a.txt", textOf(1, 400)),
      `--tokenizer=${desk.json("tokenizer.json", changed)}`,
      `--out=${desk.of("tokens")}`,
    ];
  },
  "the name of a run's folder": (text, desk) => {
    const run = `${named(text)}/run`;
    desk.json(`${run}/config.json`, BASE);
    desk.json(`${run}/checkpoints/step-00000002/manifest.json`, {});
    return [generateCommand, desk.of(run), "--prompt=a"];
  },
  "axes of a sweep": (text, desk) => [
    sweepCommand,
    desk.json("sweep.json", { name: "s", base: desk.config(), axes: { [text]: [1] } }),
    "--dry-run",
  ],
  "columns of a table": (text, desk) => {
    const head = `params,tokens,"${text.replaceAll('"', '""')}"`;
    return [
      scalingCommand,
      desk.of("fit"),
      `--csv=${desk.write("t.csv", `${head}\n${text},2,3\n`)}`,
    ];
  },
};

/** Files for people, which commands wrote below a folder. */
function* shownFiles(folder: string): Generator<[name: string, text: string]> {
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) yield* shownFiles(path);
    else if (/\.(svg|html)$|^points\.csv$/.test(name)) yield [name, Deno.readTextFileSync(path)];
  }
}

for (const [way, argsOf] of Object.entries(WAYS)) {
  Deno.test({
    name: `what steers does not reach a terminal by ${way}`,
    // Commands that train listen to signals until their process ends.
    sanitizeOps: false,
    sanitizeResources: false,
    fn: async () => {
      let said = "";
      for (const [what, text] of Object.entries(HOSTILE)) {
        using desk = new Desk();
        const [command, ...args] = argsOf(text, desk);
        const { value, text: shown } = await heard(
          () => endingOf(async () => void await command(args)),
          { terminal: true },
        );
        assert(value.exit !== "bug", `${what}: ${Deno.inspect(value.says)}`);
        const all = `${shown}\n${value.says ?? ""}`;
        assertHarmless(all, what);
        assert(!/^(done|error: b)/m.test(all), `${what}: ${all}`);
        said += all;
      }
      // It was said, and did not only go missing.
      assert(/\\u202e|\\u009b/.test(said), said);
    },
  });
}

Deno.test("what steers reaches no terminal, table, picture or page by rows of trials", async () => {
  using desk = new Desk();
  const texts = Object.values(HOSTILE);
  const rows = rowsOf().map((row, i) => ({ ...row, name: texts[i % texts.length] }));
  const folder = named(texts.join(""));
  desk.write(`${folder}/trials.jsonl`, linesOf(rows));
  const { value, text } = await heard(
    () => endingOf(async () => void await scalingCommand([desk.of(folder), "--bootstrap=200"])),
  );
  assertEquals(value.exit, "done");
  assertHarmless(text);
  const files = [...shownFiles(desk.path)];
  assertEquals(files.map(([name]) => name).sort(), [
    "isoflop.svg",
    "loss.svg",
    "points.csv",
    "residuals.svg",
    "scaling.html",
  ]);
  for (const [name, content] of files) {
    assertHarmless(content, name);
    if (name === "points.csv") assert(!/^"?[=+@\t\uff1d]/m.test(content), content);
    else assert(!content.includes("<script"), name);
    if (name !== "isoflop.svg") assert(content.includes("\\u202e"), name);
  }
});

Deno.test("what steers does not reach a terminal by any event of a run", () => {
  for (const terminal of [true, false]) {
    for (const [what, text] of Object.entries(HOSTILE)) {
      const events: RunEvent[] = [
        { type: "header", rows: [["folder", text], [text, text]] },
        { type: "doing", what: text },
        { type: "start", run: { ...RUN, adapter: text } },
        step(1),
        { type: "eval", step: 1, valLoss: 1, texts: [{ name: text, valLoss: 2 }] },
        { ...checkpoint(1), path: text } as RunEvent,
        { type: "notice", text },
        { type: "sample", step: 1, prompt: text, text },
        END,
      ];
      let shown = "";
      const write = (part: string) => void (shown += part);
      using sink = progressPrinter({ terminal, every: 1, write, width: () => 400 });
      for (const event of events) sink(event);
      assertHarmless(shown, what);
      if (what === "turns text round") assertLess(8, shown.match(/\\u202e/g)?.length ?? 0);
    }
  }
});
