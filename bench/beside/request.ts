/** The command line of the comparison with peers as a value. */
import * as z from "zod";
import { UserError } from "../../src/base/user_error.ts";
import { type FlagsSpec, parseFlags } from "../../src/cli/flags.ts";
import type { Effort } from "./compare.ts";
import { type BenchDevice, DEVICE_FLAG } from "../device.ts";
import { type Row, ROWS } from "./rows.ts";

/** What the command takes. */
export const PEERS = {
  usage:
    "deno task bench:peers [--quick | --full] [--device=cpu|webgpu] [--filter=NAME] [--json] [--save]",
  about: "Times the same work side by side: ours, @jax-js/jax and @tensorflow/tfjs on the same\n" +
    "device, and PyTorch where python3 has it. Rows for GPUs are left out on CPUs.",
  examples: [
    "deno task bench:peers --quick",
    "deno task bench:peers --filter=matmul --json",
  ],
  flags: {
    device: DEVICE_FLAG,
    quick: z.boolean().default(false).describe("Short rounds: under five minutes on two cores"),
    full: z.boolean().default(false).describe(
      "All rows whatever the adapter, and PyTorch compiled on a CPU as well",
    ),
    filter: z.string().min(1).default("").describe("Text that names of rows must hold"),
    sides: z.string().min(1).default("").describe("Text that names of peers must hold"),
    python: z.string().min(1).default("python3").describe("The Python that has PyTorch"),
    pin: z.boolean().default(false).describe(
      "With cpu: hold our workers and PyTorch's threads on cores of their own, by taskset",
    ),
    json: z.boolean().default(false).describe("Print one JSON object instead"),
    save: z.boolean().default(false).describe(
      "Keep the table and its picture as files in bench/results",
    ),
  },
} satisfies FlagsSpec;

/** A call of the comparison. */
export interface PeersRequest {
  readonly device: BenchDevice;
  readonly quick: boolean;
  readonly full: boolean;
  readonly filter: string;
  readonly sides: string;
  readonly python: string;
  readonly pin: boolean;
  readonly json: boolean;
  readonly save: boolean;
}

/** Reads a command line. @throws {UserError} `config`. */
export function parsePeers(args: readonly string[]): PeersRequest | "help" {
  const { positionals, values, help } = parseFlags(args, PEERS);
  if (help) return "help";
  if (positionals.length > 0) {
    throw new UserError("config", `Cannot compare ${positionals.join(" ")}: need ${PEERS.usage}`);
  }
  if (values["quick"] && values["full"]) {
    throw new UserError("config", "Cannot be quick and full: need one of --quick and --full: both");
  }
  if (values.pin && values.device === "webgpu") {
    throw new UserError("config", "Cannot take --pin: need the CPU device: got --device=webgpu");
  }
  return values as unknown as PeersRequest;
}

/** The rows of a request. */
export function rowsOf(
  { full, filter }: Pick<PeersRequest, "full" | "filter">,
  { software }: { readonly software: boolean },
): Row[] {
  return ROWS.filter(({ name, where }) =>
    name.includes(filter) && (full || where === "quick" || (where === "gpu" && !software))
  );
}

/** How much is measured. */
export function effortOf({ quick }: Pick<PeersRequest, "quick">): Effort {
  return quick
    ? { rounds: 9, roundSeconds: 0.12, openSeconds: 60, totalSeconds: 280 }
    : { rounds: 15, roundSeconds: 0.3, openSeconds: 300 };
}
