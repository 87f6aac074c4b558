/** The command line of the bench as a value. */
import { Refusal } from "../src/base/refusal.ts";

/** The benches, in the order in which `all` runs them: step first, while driver caches are empty. */
export const BENCHES = ["step", "ops", "reduce", "transport"] as const;

/** Benches that take minutes, or need more than the project brings: run by name only. */
export const EXTRAS = [
  "matmul",
  "startup",
  "lstm",
  "recall",
  "protocol",
  "faults",
  "generate",
  "tokenizers",
  "prepare",
  "data",
] as const;

/** Name of a bench. */
export type BenchName = typeof BENCHES[number] | typeof EXTRAS[number];

/** What a command line asks for. */
export interface BenchRequest {
  readonly benches: readonly BenchName[];
  /** Text that names of rows must hold. */
  readonly filter: string;
  readonly save: boolean;
  /** A line of JSON per bench instead of tables. */
  readonly json: boolean;
  /** Class of device whose kernels `matmul` times; the adapter's own unless told. */
  readonly kind?: "cpu" | "gpu";
}

/** Flags without a value. */
const SWITCHES: readonly string[] = ["--save", "--json"];

/** How it is called. */
export const USAGE = `deno task bench [${
  [...BENCHES, ...EXTRAS].join("|")
}|all] [--filter=name] [--class=cpu|gpu] [--save] [--json]`;

/** Reads `[name] [--filter=text] [--class=kind] [--save] [--json]`. @throws {Refusal} `config` for anything else. */
export function parseBench(args: readonly string[]): BenchRequest {
  const names = args.filter((arg) => !arg.startsWith("-"));
  const [name = "all"] = names;
  const benches = name === "all"
    ? BENCHES
    : [...BENCHES, ...EXTRAS].filter((bench) => bench === name);
  const flags = args.filter((arg) => arg.startsWith("-"));
  const filters = flags.filter((flag) => flag.startsWith("--filter="));
  const kinds = (["cpu", "gpu"] as const).filter((kind) => flags.includes(`--class=${kind}`));
  const unknown = [
    ...benches.length === 0 ? [name] : [],
    ...names.slice(1),
    ...flags.filter((flag) =>
      !SWITCHES.includes(flag) && !filters.includes(flag) &&
      !(name === "matmul" && kinds.length === 1 && flag === `--class=${kinds[0]}`)
    ),
  ];
  if (unknown.length > 0) {
    throw new Refusal("config", `Cannot run ${unknown.join(" ")}: need ${USAGE}`);
  }
  return {
    benches,
    filter: filters.at(-1)?.slice("--filter=".length) ?? "",
    save: flags.includes("--save"),
    json: flags.includes("--json"),
    ...kinds[0] !== undefined && { kind: kinds[0] },
  };
}
