/**
 * The table of all commands. Dispatch, `./shoal help`, the tasks of deno.json and README's list
 * follow from it. `./shoal` reads the lines with `name`, `section` and `purpose`, also where there
 * is no Deno yet: they stay on lines of their own.
 */
import { cpuMode } from "../device/v8.ts";
import { type Machine, permissionFlags, type PermissionName } from "./permissions.ts";

/** What belongs together in a list of commands. `develop` needs a checkout. */
export type CommandSection = "train" | "data" | "models" | "measure" | "learn" | "develop";

/** A command. */
export interface CommandEntry {
  readonly name: string;
  readonly section: CommandSection;
  /** What it does, in a line without a period. */
  readonly purpose: string;
  readonly runs: Entry | Script;
}

/** A program of ours with permissions of its own. */
export interface Entry {
  /** Path of its module from the root of the checkout. */
  readonly entry: string;
  readonly permissions: PermissionName;
  /** Flags of V8. */
  readonly v8?: string;
  /** Whether the process itself may compute on the CPU device. */
  readonly computes?: true;
}

/** A line of shell, which `deno task` reads. */
export interface Script {
  readonly script: string;
}

/** All permissions: the set `tests` of deno.json, which people also name on their command lines. */
const ALL = "-q --no-prompt -P=tests";

/** All commands, in the order of the lists. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    name: "train",
    section: "train",
    purpose: "Train a model: on Moby Dick, or --data=my.txt",
    runs: { entry: "src/cli/train/train.ts", permissions: "train" },
  },
  {
    name: "sweep",
    section: "train",
    purpose: "Train many models from one file of axes, budgets and seeds",
    runs: { entry: "src/cli/sweep/sweep.ts", permissions: "sweep", computes: true },
  },
  {
    name: "workers",
    section: "train",
    purpose: "Change the number of workers of a run that goes on",
    runs: { entry: "src/cli/workers/workers.ts", permissions: "workers" },
  },
  {
    name: "prepare",
    section: "data",
    purpose: "Turn text files into a folder of tokens, with a tokenizer",
    runs: {
      entry: "src/cli/prepare/prepare.ts",
      permissions: "files",
      v8: "--max-semi-space-size=4,--heap-growing-percent=30",
    },
  },
  {
    name: "eval",
    section: "models",
    purpose: "Loss, perplexity and bits per byte of a run on a text",
    runs: { entry: "src/cli/eval/eval.ts", permissions: "train", computes: true },
  },
  {
    name: "generate",
    section: "models",
    purpose: "Continue a prompt with the model of a run",
    runs: { entry: "src/cli/generate/generate.ts", permissions: "generate", computes: true },
  },
  {
    name: "fill",
    section: "models",
    purpose: "Tell hidden tokens of a text with an encoder",
    runs: { entry: "src/cli/fill/fill.ts", permissions: "generate", computes: true },
  },
  {
    name: "attention",
    section: "models",
    purpose: "What each head looks at in a prompt, as JSON and a page",
    runs: { entry: "src/cli/attention/attention.ts", permissions: "pages", computes: true },
  },
  {
    name: "export",
    section: "models",
    purpose: "Write a model in Hugging Face's or PyTorch's layout",
    runs: { entry: "src/cli/export/export.ts", permissions: "models" },
  },
  {
    name: "import",
    section: "models",
    purpose: "Begin a run folder with a model in Hugging Face's layout",
    runs: { entry: "src/cli/import/import.ts", permissions: "models" },
  },
  {
    name: "plan",
    section: "measure",
    purpose: "What a run takes before it starts: memory, time, tokens, FLOP",
    runs: { entry: "src/cli/plan/plan.ts", permissions: "plan", computes: true },
  },
  {
    name: "profile",
    section: "measure",
    purpose: "Where the time of a step goes, op by op",
    runs: { entry: "src/cli/profile/profile.ts", permissions: "profile", computes: true },
  },
  {
    name: "scaling",
    section: "measure",
    purpose: "Fit scaling laws to a sweep, or to a table of runs",
    runs: { entry: "src/cli/scaling/scaling.ts", permissions: "files" },
  },
  {
    name: "doctor",
    section: "measure",
    purpose: "What this machine is, what is wrong with it, what mends it",
    runs: { entry: "src/cli/doctor/doctor.ts", permissions: "doctor" },
  },
  {
    name: "example",
    section: "learn",
    purpose: "Run one of the examples: completion, questions, correction",
    runs: { entry: "examples/run.ts", permissions: "example" },
  },
  {
    name: "test",
    section: "develop",
    purpose: "Run the tests",
    runs: { script: `deno run ${ALL} tests/suite/main.ts` },
  },
  {
    name: "test:faults",
    section: "develop",
    purpose: "Run the tests that kill, stop and starve processes for minutes",
    runs: { script: `deno test ${ALL} tests/faults tests/faults/full/*.ts` },
  },
  {
    name: "chaos",
    section: "develop",
    purpose: "Train through random faults and compare the weights",
    runs: { script: `deno run ${ALL} tests/chaos/main.ts` },
  },
  {
    name: "fuzz",
    section: "develop",
    purpose: "Feed hostile frames and headers to the readers",
    runs: {
      entry: "tests/fuzz/main.ts",
      permissions: "fuzz",
      v8: "--max-semi-space-size=2,--max-old-space-size=64",
    },
  },
  {
    name: "bench",
    section: "develop",
    purpose: "Measure kernels, steps, transports and more on this machine",
    runs: { script: `deno run ${ALL} $(deno -q bench/flags.ts) bench/main.ts` },
  },
  {
    name: "bench:peers",
    section: "develop",
    purpose: "Measure the same work by Shoal and by other libraries",
    runs: { script: `deno run ${ALL} bench/peers_main.ts` },
  },
  {
    name: "bundle",
    section: "develop",
    purpose: "Pack Deno, packages and code for machines without network",
    runs: { entry: "bench/bundle/main.ts", permissions: "bundle" },
  },
  {
    name: "check",
    section: "develop",
    purpose: "Check format, lint rules, types and docs",
    runs: {
      script: "deno fmt --check --quiet && deno lint --quiet && deno check --quiet . && " +
        "deno doc --lint mod.ts && deno test --quiet --no-prompt --doc mod.ts",
    },
  },
  {
    name: "ok",
    section: "develop",
    purpose: "Run check, then test",
    runs: { script: "deno task check && deno task test" },
  },
];

/** The program of a command. @throws {TypeError} for a command that is none or a script. */
export function entryOf(name: string): Entry {
  const runs = COMMANDS.find((command) => command.name === name)?.runs;
  if (runs === undefined || "script" in runs) throw new TypeError(`${name} has no program`);
  return runs;
}

/** The options of Deno with which a command runs: the words between `deno` and its module. */
export function denoOptions(name: string, machine: Machine): string[] {
  const { permissions, v8, computes } = entryOf(name);
  const flags = [v8, computes ? cpuMode(Deno.version.deno).flags : undefined].filter((each) =>
    each !== undefined
  );
  return [
    ...["run", "--quiet", "--no-prompt", "--no-remote"],
    ...permissionFlags(permissions, machine),
    ...flags.length === 0 ? [] : [`--v8-flags=${flags.join(",")}`],
  ];
}

/** The tasks of deno.json, by name. */
export function tasks(): Record<string, string> {
  return Object.fromEntries(COMMANDS.map(({ name, runs }) => [
    name,
    "script" in runs ? runs.script : `deno $(deno -q -P src/cli/launch.ts ${name})`,
  ]));
}
