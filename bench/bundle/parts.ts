/** What a bundle holds and how it is asked for. Pure. */
import { Refusal } from "../../src/base/refusal.ts";

/** Modules whose packages travel, and the tests that run there. */
export const ROOTS: readonly string[] = [
  "mod.ts",
  "workers/worker.ts",
  "bench/main.ts",
  "src/cli/train.ts",
  "tests/kernels_test.ts",
];

/** What a run without network reads of Deno's cache; the rest are notes of the machine it was made on. */
export const cacheEntries: readonly string[] = ["npm", "remote"];

/** Whether no program reads a package's file: maps for debuggers, and forms for browsers. */
export function isIdle(name: string): boolean {
  return /\.(map|min\.js|es2017\.js|fesm\.js)$/.test(name);
}

/** How it is called. */
export const USAGE = "deno task bundle [--out=FILE] [--no-peers]";

/** Where the archive goes, and whether the programs that benches compare with come along. */
export interface BundleRequest {
  readonly out: string;
  readonly peers: boolean;
}

/** Reads the command line. @throws {Refusal} `config` for anything else. */
export function parseBundle(args: readonly string[]): BundleRequest {
  const unknown = args.filter((arg) => arg !== "--no-peers" && !/^--out=.+$/.test(arg));
  if (unknown.length > 0) {
    throw new Refusal("config", `Cannot bundle ${unknown.join(" ")}: need ${USAGE}`);
  }
  const out = args.findLast((arg) => arg.startsWith("--out="))?.slice("--out=".length);
  return { out: out ?? "shoal-bundle.tar.xz", peers: !args.includes("--no-peers") };
}
