/**
 * Checks what the documents tell people to type. Every command is read by its own parser, with its
 * config and its keys; links and headings exist; the sweep of the pages can be fitted. Nothing is
 * started.
 */
import { assert, assertEquals } from "@std/assert";
import { dirname, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import denoJson from "../deno.json" with { type: "json" };
import { parseBench } from "../bench/args.ts";
import { parsePeers, PEERS } from "../bench/beside/request.ts";
import { parseBundle } from "../bench/bundle/parts.ts";
import { wordsOf } from "../examples/commands.ts";
import { type CommandLine, parseCommandLine } from "../src/cli/args.ts";
import { DOCTOR } from "../src/cli/doctor/doctor.ts";
import { EVAL, parseEval } from "../src/cli/eval/request.ts";
import { EXPORT } from "../src/cli/export/export.ts";
import { flagNames, flagsHelp, type FlagsSpec, parseFlags } from "../src/cli/flags.ts";
import { parseAttention } from "../src/cli/attention/request.ts";
import { parseFill } from "../src/cli/fill/request.ts";
import { GENERATE, parseGenerate } from "../src/cli/generate/request.ts";
import { helpText } from "../src/cli/help.ts";
import { IMPORT } from "../src/cli/import/import.ts";
import { PERMISSIONS } from "../src/cli/permissions.ts";
import { onlyPath } from "../src/cli/model_flags.ts";
import { parsePlan, PLAN } from "../src/cli/plan/request.ts";
import { parsePrepare, PREPARE } from "../src/cli/prepare/request.ts";
import { parseProfile, PROFILE } from "../src/cli/profile/request.ts";
import { parseScaling, SCALING } from "../src/cli/scaling/request.ts";
import { parseSweep, SWEEP } from "../src/cli/sweep/request.ts";
import { parseWorkers } from "../src/cli/workers/workers.ts";
import { type ConfigKey, keys, sections } from "../src/config/keys.ts";
import { kindKey } from "../src/config/kinds.ts";
import { loadConfig } from "../src/config/load.ts";
import { applyOverrides } from "../src/config/overrides.ts";
import { resolveConfig } from "../src/config/resolve.ts";
import { chinchillaNeeds } from "../src/scaling/fit/chinchilla.ts";
import { expandSweep } from "../src/sweep/expand.ts";
import { readSweep } from "../src/sweep/read.ts";
import { measurer } from "../src/cli/sweep/measure.ts";
import { parseFaultPlan } from "../workers/faults/plan.ts";
import { parseArgs as parseChaos } from "./chaos/args.ts";
import { LAYERS } from "./lint/layers.ts";
import { parseTest } from "./suite/args.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
/** The pages of `docs/`, read from the folder: a new page is checked as well. */
const PAGES = Array.from(Deno.readDirSync(ROOT + "docs"), ({ name }) => `docs/${name}`).sort();
const DOCUMENTS = [
  "README.md",
  "CONTRIBUTING.md",
  "ARCHITECTURE.md",
  "bench/README.md",
  ...["", "completion/", "correction/", "questions/"].map((name) => `examples/${name}README.md`),
  ...PAGES,
];
const textOf = (path: string) => Deno.readTextFileSync(ROOT + path);
/** Keys of sections that a module of the user defines. */
const MODULE_KEYS = ["model.module", "data.module", "data.options", "optim.module"];
const KEYS = new Map([
  ...keys(),
  ...MODULE_KEYS.map((path) => ({ ...keys()[0] as ConfigKey, path, need: "string" })),
].map((key) => [key.path, key]));

/** Code between single backticks, line ends as spaces; blocks go. */
function spansOf(path: string): string[] {
  const prose = textOf(path).replace(/^```[^]*?^```$/gm, "");
  return Array.from(prose.matchAll(/`([^`]+)`/g), ([, code = ""]) => code.replace(/\s+/g, " "));
}

/** Lines of the blocks of shell commands, without comments and what a shell does around them. */
function linesOf(path: string): string[] {
  return Array.from(
    textOf(path).matchAll(/^```(?:sh|text)\n([^]*?)^```$/gm),
    ([, block = ""]) => block,
  )
    .flatMap((block) => block.replaceAll("\\\n", " ").split("\n"))
    .map((line) => line.replace(/(^| +)#.*$/, "").trim())
    .map((line) =>
      line.replace(
        /^for (\w+) in (\w+)[^;]*; do (.*); done$/,
        (_, name, first, body) => body.replaceAll(`$${name}`, first),
      )
    )
    // A usage in brackets: what may be left out.
    .map((line) => line.replace(/ \[[^\]]*\](\.\.\.)?/g, ""))
    .filter((line) => line !== "");
}

/** Every command that the documents show, in a block or within a sentence. */
function commands(): { where: string; line: string }[] {
  return DOCUMENTS.flatMap((path) =>
    [...linesOf(path), ...spansOf(path)]
      .filter((line) => /^(deno (task|run|install)|\.\/shoal|npx shoal) /.test(line))
      .map((line) => ({ where: path, line }))
  );
}

const LOADED = new Map<string, Promise<unknown>>();

/** A config of the checkout, loaded once. */
function loaded(path: string): ReturnType<typeof loadConfig> {
  const config = LOADED.get(path) ?? loadConfig(ROOT + path);
  LOADED.set(path, config);
  return config as ReturnType<typeof loadConfig>;
}

/** A config as `train` would have it; what it goes on from or begins with is not there. */
async function configOf({ config, resume, overrides }: CommandLine): Promise<void> {
  const { init: _, ...rest } = overrides;
  const isNew = resume === undefined && overrides["init"] === undefined;
  // A run's own config is another command's output; a text in place of a config is data.
  const file = config === undefined || /^runs\/|\.txt$/.test(config) ? undefined : config;
  const path = file ?? (isNew ? "configs/gpt_char.ts" : undefined);
  const input = path === undefined ? {} : await loaded(path);
  resolveConfig(applyOverrides(input, rest));
}

async function sweepOf(file: string, overrides: Readonly<Record<string, string>>): Promise<void> {
  const sweep = readSweep(await loaded(file));
  resolveConfig(applyOverrides(sweep.base, overrides));
}

function flags(spec: FlagsSpec, example: string): (args: readonly string[]) => void {
  return (args) => {
    const { positionals, help } = parseFlags(args, spec);
    if (!help && spec !== DOCTOR) onlyPath(positionals, example);
  };
}

function none(args: readonly string[]): void {
  assertEquals(args, []);
}

/** Reads a command line of a task as the task does. */
const PARSERS: Readonly<Record<string, (args: readonly string[]) => unknown>> = {
  train(args) {
    const line = parseCommandLine(args);
    return line.help ? undefined : configOf(line);
  },
  plan(args) {
    const request = parsePlan(args);
    return request === "help" ? undefined : configOf(request.line);
  },
  profile(args) {
    const request = parseProfile(args);
    return request === "help" ? undefined : configOf(request.line);
  },
  sweep(args) {
    const request = parseSweep(args);
    return request === "help" ? undefined : sweepOf(request.file, request.overrides);
  },
  prepare: parsePrepare,
  eval: parseEval,
  generate: parseGenerate,
  fill: parseFill,
  attention: parseAttention,
  scaling: parseScaling,
  workers: parseWorkers,
  export: flags(EXPORT, "deno task export runs/a"),
  import: flags(IMPORT, "deno task import DIR"),
  doctor: flags(DOCTOR, ""),
  bench: parseBench,
  "bench:peers": parsePeers,
  bundle: parseBundle,
  chaos: parseChaos,
  example(args) {
    assert(DOCUMENTS.includes(`examples/${args[0]}/README.md`), `${args}`);
  },
  fuzz: none,
  ok: none,
  test: parseTest,
  "test:faults": none,
};

Deno.test("every command in the documents is one that its own parser takes", async () => {
  const found = commands();
  assert(found.length > 110, `${found.length}`);
  const faults: string[] = [];
  for (const { where, line } of found) {
    const words = wordsOf(line);
    const isTask = words[0] === "./shoal" || words[1] === "task" || words[1] === "shoal";
    try {
      if (isTask) {
        const [name = "", ...args] = words.slice(words[0] === "./shoal" ? 1 : 2);
        if (name === "help") continue;
        assert(name in denoJson.tasks, `no task ${name}`);
        // A sentence that names a command means all of its calls.
        if (args.length === 0 && name in PARSERS && PARSERS[name] !== none) continue;
        assert(PARSERS[name] !== undefined, `no parser for ${name}`);
        await PARSERS[name](args);
      } else if (words[1] === "run") {
        const script = words.find((word) => word.endsWith(".ts"));
        // A sentence may name the options alone, and a page the program in one of its blocks.
        if (script === undefined || textOf(where).includes(`\n// ${script}\n`)) continue;
        assert(Deno.statSync(ROOT + script.replace(/^DIR\//, "")).isFile, script);
      }
    } catch (error) {
      faults.push(`${where}: ${line}: ${(error as Error).message}`);
    }
  }
  assertEquals(faults, []);
});

Deno.test("a line of shell on a page is a command of ours or a known other one", () => {
  const pages = ["README.md", "CONTRIBUTING.md", ...PAGES];
  const known = /^(\.\/shoal|deno|npx shoal|npm (pack|install)|grep|tail) /;
  const lines = pages.flatMap((path) => linesOf(path).map((line) => `${path}: ${line}`));
  assertEquals(lines.filter((line) => !known.test(`${line} `.replace(/^\S+: /, ""))), []);
});

const SPECS: readonly FlagsSpec[] = [
  DOCTOR,
  EVAL,
  EXPORT,
  GENERATE,
  IMPORT,
  PEERS,
  PLAN,
  PREPARE,
  PROFILE,
  SCALING,
  SWEEP,
];

/** Flags of `train` that are no keys of a config. */
const TRAIN = ["data", "resume", "follow-links", "restart", "config", "print-config", "help"];

/** A kind that the documents let people add, and a flag of other trainers that they translate. */
const ADDED = ["--model.kind=bag", "--lr"];

Deno.test("every flag and key in a sentence of the documents exists, and takes the value it has there", () => {
  const known = new Set([
    ...SPECS.flatMap(flagNames),
    ...Array.from(KEYS.keys(), (key) => key.replaceAll("_", "-")),
    ...TRAIN,
    ...["testing", "faults"],
    // Of benches, the bundle, chaos and Deno.
    ...["minutes", "class", "rounds", "peers", "no-remote", "frozen"],
    "dotted.key",
  ]);
  const faults: string[] = [];
  for (const path of DOCUMENTS) {
    for (const span of spansOf(path)) {
      if (!span.startsWith("--") || ADDED.includes(span)) continue;
      const words = wordsOf(span);
      const names = words.map((word) => (word.split("=")[0] as string).slice(2));
      const strange = names.filter((name) => !known.has(name.replaceAll("_", "-")));
      faults.push(...strange.map((name) => `${path}: ${span}: no flag --${name}`));
      // Values in capitals stand for one.
      const isKey = names.every((name) => KEYS.has(name.replaceAll("-", "_")) || name === "data");
      if (!isKey || !words.every((word) => word.includes("=")) || /=[A-Z]+$/.test(span)) continue;
      try {
        const { overrides } = parseCommandLine(words);
        applyOverrides({}, overrides);
        const { init: _, ...rest } = overrides;
        resolveConfig(applyOverrides({}, rest));
      } catch (error) {
        const { message } = error as Error;
        // A key may need another one, which a sentence need not repeat.
        const isOwn = names.some((name) => {
          const { path, need } = KEYS.get(name.replaceAll("-", "_")) ?? {};
          return path === undefined || message.includes(`${path}: need ${need}`);
        });
        if (isOwn) faults.push(`${path}: ${span}: ${message}`);
      }
    }
  }
  assertEquals(faults, []);
});

Deno.test("every dotted key of a config in a sentence of the documents exists", () => {
  const heads = new Set(sections([...KEYS.values()]));
  const missing = DOCUMENTS.flatMap((path) =>
    spansOf(path).flatMap((span) => {
      const [, key = "", value] = /^([a-z]\w*(?:\.\w+)+)(?:=(.+))?$/.exec(span) ?? [];
      if (!heads.has(key.split(".")[0] as string) || /\.(safetensors|py)$/.test(key)) return [];
      if (!KEYS.has(key) && !heads.has(key)) return [`${path}: ${span}`];
      const need = KEYS.get(key)?.need ?? "";
      // Of a choice the value is one.
      const isChoice = need.includes(" | ") && !/number|integer|string|list|table/.test(need);
      return value === undefined || !isChoice || need.split(" | ").includes(value)
        ? []
        : [`${path}: ${span}: need ${need}`];
    })
  );
  assertEquals(missing, []);
});

Deno.test("every flag in the help texts exists", () => {
  for (const spec of SPECS) {
    const known = new Set([...flagNames(spec), "help", "flag", "key"]);
    for (const [, flag = ""] of flagsHelp(spec).matchAll(/--([a-z][\w.-]*)/g)) {
      assert(
        known.has(flag) || KEYS.has(kindKey(flag.replaceAll("-", "_"))) || flag === "data",
        `${spec.usage}: --${flag}`,
      );
    }
  }
  for (const [, flag = ""] of helpText().matchAll(/--([a-z][\w.-]*)/g)) {
    assert([...TRAIN, "key"].includes(flag) || KEYS.has(kindKey(flag)), `--${flag}`);
  }
});

Deno.test("CONTRIBUTING's plan of faults is one, and ARCHITECTURE counts the variables", () => {
  const [, plan = ""] = /```json\n([^]*?)```/.exec(textOf("CONTRIBUTING.md")) ?? [];
  assertEquals(parseFaultPlan(plan, "CONTRIBUTING.md").length, 3);
  const counts = textOf("ARCHITECTURE.md").matchAll(/\b(\d+) variables\b/g);
  const { train, plan: planning } = PERMISSIONS;
  assertEquals(Array.from(counts, ([, count]) => Number(count)), [
    train.env.length,
    planning.env.length,
  ]);
});

/** A document without its blocks of code, in which `[a](b)` and `# a` mean something else. */
function proseOf(path: string): string {
  return textOf(path).replace(/^```[^]*?^```$/gm, "");
}

/** The anchors of a document's headings, as GitHub makes them; a repeated heading gets a number. */
function anchorsOf(path: string): Set<string> {
  const anchors = new Set<string>();
  const seen = new Map<string, number>();
  for (const [, heading = ""] of proseOf(path).matchAll(/^#+ (.+)$/gm)) {
    const anchor = heading.toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, "").replace(/\s/g, "-");
    const times = seen.get(anchor) ?? 0;
    seen.set(anchor, times + 1);
    anchors.add(times === 0 ? anchor : `${anchor}-${times}`);
  }
  return anchors;
}

Deno.test("relative links of the documents lead to files of the repository and to headings in them", () => {
  const faults: string[] = [];
  let count = 0;
  for (const path of DOCUMENTS) {
    for (const [, link = ""] of proseOf(path).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(link)) continue;
      count++;
      const [file = "", anchor] = link.split("#");
      const target = file === "" ? path : relative(ROOT, resolve(ROOT, dirname(path), file));
      if (!exists(target)) faults.push(`${path}: ${link}: no such file`);
      else if (anchor !== undefined && !(target.endsWith(".md") && anchorsOf(target).has(anchor))) {
        faults.push(`${path}: ${link}: no such heading`);
      }
    }
  }
  assertEquals(faults, []);
  assert(count > 150, `${count}`);
});

/** Whether a path is one of the repository, not above it. */
function exists(path: string): boolean {
  if (path.startsWith("..")) return false;
  try {
    return Deno.statSync(ROOT + path) !== undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

Deno.test("README has at most 250 lines and links to every page of docs/", () => {
  const readme = textOf("README.md");
  const lines = readme.trimEnd().split("\n");
  assert(lines.length <= 250, `${lines.length} lines`);
  assertEquals(PAGES.filter((page) => !readme.includes(`](${page})`)), []);
});

Deno.test("README and CONTRIBUTING list every task once", () => {
  const listed = ["README.md", "CONTRIBUTING.md"].flatMap((path) =>
    Array.from(textOf(path).matchAll(/^\| `([\w:]+)` +\|/gm), ([, name = ""]) => name)
  );
  assertEquals(listed.sort(), Object.keys(denoJson.tasks).sort());
});

Deno.test("ARCHITECTURE names every room, and no folder has more than 20 files", () => {
  const listed = Array.from(
    textOf("ARCHITECTURE.md").matchAll(/^\| \[((?:src|workers|kernels)[^\]]*)\]/gm),
    ([, room = ""]) => room,
  );
  assertEquals(listed.sort(), Object.keys(LAYERS).sort());
  assertEquals(["src", "workers", "kernels", "tests"].flatMap(crowded), []);
});

/** The folders below `path`, itself included, with more than 20 files. */
function crowded(path: string): string[] {
  const entries = Array.from(Deno.readDirSync(ROOT + path));
  const files = entries.filter(({ isFile }) => isFile).length;
  return [
    ...files > 20 ? [`${path}: ${files}`] : [],
    ...entries.filter(({ isDirectory }) => isDirectory)
      .flatMap(({ name }) => crowded(`${path}/${name}`)),
  ];
}

Deno.test("the sweep of the pages has trials enough for the law that is fitted to it", async () => {
  const [, code = ""] = /```ts\nexport default ({[^]*?}) satisfies SweepInput;\n```/.exec(
    textOf("docs/sweeps.md"),
  ) ?? [];
  const module = `data:text/javascript,${encodeURIComponent(`export default ${code}`)}`;
  const { default: input } = await import(module);
  const { trials, faults } = await expandSweep(readSweep(input), measurer().measure);
  assertEquals(faults, []);
  const points = trials.map(({ name, size, tokens, flops }) => (
    // Losses that differ; a law is asked for sizes, token counts and budgets.
    { name, params: size.counts.all, tokens, flops, loss: 1 + 1 / Math.log(flops) }
  ));
  assertEquals(chinchillaNeeds(points), undefined);
});
