/** What a bundle holds and how it is asked for. Pure. */
import * as z from "zod";
import { UserError } from "../../src/base/user_error.ts";
import { type FlagsSpec, parseFlags } from "../../src/cli/flags.ts";

/** Modules whose packages travel, and the tests that run there. */
export const ROOTS: readonly string[] = [
  "mod.ts",
  "workers/worker.ts",
  "bench/main.ts",
  "src/cli/train/train.ts",
  "tests/kernels_test.ts",
];

/** What a run without network reads of Deno's cache; the rest are notes of the machine it was made on. */
export const cacheEntries: readonly string[] = ["npm", "remote"];

/** Whether no program reads a package's file: maps for debuggers, and forms for browsers. */
export function isIdle(name: string): boolean {
  return /\.(map|min\.js|es2017\.js|fesm\.js)$/.test(name);
}

/** What the command takes. */
export const BUNDLE = {
  usage: "deno task bundle [--out=FILE] [--no-peers]",
  about: "Packs Deno, the packages and the code into one archive for a machine without network.\n" +
    "run.sh in it runs the kernel tests and the benches there.",
  examples: [
    "deno task bundle",
    "deno task bundle --out=shoal.tar.xz --no-peers",
  ],
  flags: {
    out: z.string().min(1).default("shoal-bundle.tar.xz").meta({ value: "FILE" }).describe(
      "The archive",
    ),
    "no-peers": z.boolean().default(false).describe(
      "Leave out the programs that benches compare with",
    ),
  },
} satisfies FlagsSpec;

/** Where the archive goes, and whether the programs that benches compare with come along. */
export interface BundleRequest {
  readonly out: string;
  readonly peers: boolean;
}

/** Reads the command line. @throws {UserError} `config` for anything else. */
export function parseBundle(args: readonly string[]): BundleRequest | "help" {
  const { positionals, values, help } = parseFlags(args, BUNDLE);
  if (help) return "help";
  if (positionals.length > 0) {
    throw new UserError("config", `Cannot bundle ${positionals.join(" ")}: need flags: --out=FILE`);
  }
  return { out: values["out"], peers: !values["no-peers"] };
}
