/** The command line of the bench as a value. */
import * as z from "zod";
import { UserError } from "../src/base/user_error.ts";
import { type BenchDevice, DEVICE_FLAG } from "./device.ts";
import { type FlagsSpec, parseFlags } from "../src/cli/flags.ts";

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
  "simulate",
  "data",
] as const;

/** Benches of WebGPU alone. */
const WEBGPU_ONLY: readonly string[] = ["startup", "lstm"];

/** Name of a bench. */
export type BenchName = typeof BENCHES[number] | typeof EXTRAS[number];

/** What a command line asks for. */
export interface BenchRequest {
  readonly benches: readonly BenchName[];
  /** Text that names of rows must hold. */
  readonly filter: string;
  readonly device: BenchDevice;
  readonly save: boolean;
  /** A line of JSON per bench instead of tables. */
  readonly json: boolean;
  /** Class of device whose kernels `matmul` times; the adapter's own unless told. */
  readonly kind?: "cpu" | "gpu";
}

/** What the command takes. */
export const BENCH = {
  usage: "deno task bench [NAME] [--flag=value | --flag value]...",
  about: `NAME is all (the default: ${BENCHES.join(", ")}), one of these, or one of\n` +
    `${EXTRAS.join(", ")}.\n` +
    "Prints tables of what this machine reaches.",
  examples: [
    "deno task bench",
    "deno task bench matmul --filter=512",
    "deno task bench step --device=webgpu --save",
  ],
  flags: {
    filter: z.string().min(1).default("").describe("Text that names of rows must hold"),
    device: DEVICE_FLAG,
    class: z.enum(["cpu", "gpu"]).optional().describe(
      "With matmul on WebGPU: kernels of this class of devices; default: the adapter's own",
    ),
    save: z.boolean().default(false).describe("Keep the tables as files in bench/results"),
    json: z.boolean().default(false).describe("Print a line of JSON per bench instead"),
  },
} satisfies FlagsSpec;

/** Reads a command line. @throws {UserError} `config` for anything that it does not take. */
export function parseBench(args: readonly string[]): BenchRequest | "help" {
  const { positionals, values, help } = parseFlags(args, BENCH);
  if (help) return "help";
  const [name = "all", ...more] = positionals;
  const benches = name === "all"
    ? BENCHES
    : [...BENCHES, ...EXTRAS].filter((bench) => bench === name);
  if (benches.length === 0 || more.length > 0) {
    const known = ["all", ...BENCHES, ...EXTRAS].join(", ");
    throw new UserError("config", `Cannot bench ${positionals.join(" ")}: need one of ${known}`);
  }
  const { filter, device, save, json, class: kind } = values;
  if (kind !== undefined && name !== "matmul") {
    throw new UserError(
      "config",
      `Cannot take --class=${kind}: need the bench matmul: got ${name}`,
    );
  }
  if (kind !== undefined && device === "cpu") {
    throw new UserError("config", `Cannot take --class=${kind}: need WebGPU: got --device=cpu`);
  }
  if (device === "cpu" && WEBGPU_ONLY.includes(name)) {
    throw new UserError("config", `Cannot bench ${name} with --device=cpu: need WebGPU`);
  }
  // Kernels of a class are those of WebGPU.
  return {
    benches,
    filter,
    device: kind === undefined ? device : "webgpu",
    save,
    json,
    ...kind !== undefined && { kind },
  };
}
