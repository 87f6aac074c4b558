/** Checks that a resume agrees with its checkpoint, and whether any steps are left. */
import { join } from "node:path";
import { sealFault } from "../../src/base/hash.ts";
import { parseJsonText } from "../../src/base/text/json.ts";
import { UserError } from "../../src/base/user_error.ts";
import type { Checkpoint } from "../../src/checkpoint/verify.ts";
import { configDifferences as changedKeys, configHash } from "../../src/config/identity.ts";
import { resolveStored } from "../../src/config/resolve.ts";
import type { RunConfig } from "../../src/config/schema.ts";
import type { Summary } from "../../src/report/summary.ts";
import { tokenizerHash } from "../../src/data/tokenizers/mod.ts";
import type { Data } from "../../src/corpus/data.ts";
import { identityDifferences, identityIn } from "../protocol/identity.ts";

/** Whether the last step is done. @throws {UserError} `config` if it is before the checkpoint. */
export function isDone({ manifest }: Checkpoint, { steps, out }: RunConfig): boolean {
  if (manifest.step <= steps) return manifest.step === steps;
  throw new UserError(
    "config",
    `Cannot resume ${out} to step ${steps}: it has finished step ${manifest.step} already`,
  );
}

/** The summary in a run's folder; undefined if it is missing or does not match its seal. */
export function writtenSummary(out: string): Summary | undefined {
  try {
    const summary = Object(parseJsonText(Deno.readTextFileSync(join(out, "summary.json"))));
    return sealFault(summary) === undefined ? summary : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Requires config, tokenizer and data to equal those of the checkpoint, by their hashes.
 * @throws {UserError} `incompatible`
 */
export function requireSameRun(
  { manifest }: Checkpoint,
  { config, data: { hash, corpus: { tokenizer } } }: { config: RunConfig; data: Data },
): void {
  const run = {
    config: configHash(config),
    tokenizer: tokenizer === undefined ? "" : tokenizerHash(tokenizer),
    data: hash,
  };
  const changed = identityDifferences(identityIn(manifest), run);
  if (changed.length === 0) return;
  throw new UserError(
    "incompatible",
    `Cannot resume ${config.out} as another run (checkpoint against now): ${changed.join("; ")}`,
  );
}

/** Requires the keys that decide numbers to equal the checkpoint's. @throws {UserError} `incompatible` */
export function requireSameConfig(from: Checkpoint, config: RunConfig): void {
  const changed = changedKeys(resolveStored(from.manifest.config), config);
  if (changed.length === 0) return;
  throw new UserError(
    "incompatible",
    `Cannot resume with another config (checkpoint against now): ${changed.join("; ")}`,
  );
}
