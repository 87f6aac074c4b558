/** The config that a run stores: what is said when it was changed, and where an older one stays. */
import { parseJsonText } from "../../src/base/text/json.ts";
import { join } from "node:path";
import { canonical, hashValue } from "../../src/base/hash.ts";
import type { Checkpoint } from "../../src/checkpoint/verify.ts";
import { show } from "../../src/config/faults.ts";
import { configDifferences, flatten } from "../../src/config/identity.ts";
import { resolveStored } from "../../src/config/resolve.ts";
import { withTodaysNames } from "../../src/config/renamed.ts";
import type { RunConfig } from "../../src/config/schema.ts";
import { copyAside } from "../../src/report/backup.ts";
import { readIfAny } from "../../src/report/atomic.ts";

/** A run that begins at step 0 is held to no checkpoint: a config of other numbers stays in a copy. */
export function keepConfig(out: string, config: RunConfig): void {
  const path = join(out, "config.json");
  try {
    const text = readIfAny(path);
    if (text === "" || configDifferences(resolveStored(parseJsonText(text)), config).length === 0) {
      return;
    }
  } catch {
    // One that cannot be read is kept as well.
  }
  copyAside(path);
}

/**
 * What to say of a stored config that is not as the run wrote it, by its journal: its keys say how many
 * checkpoints stay, for example. Undefined where nothing is to be said.
 */
export function changedConfig(
  out: string,
  { written, from }: { written: string | undefined; from: Checkpoint | undefined },
): string | undefined {
  const text = readIfAny(join(out, "config.json"));
  // One that is no config is refused by who reads it.
  const now: unknown = written === undefined || text === "" ? undefined : parsed(text);
  if (now === undefined || hashValue(now) === written) return undefined;
  const before = new Map(flatten(withTodaysNames(from?.manifest.config ?? {}), ""));
  const changed = flatten(withTodaysNames(now), "").filter(([key, value]) =>
    before.has(key) && canonical(before.get(key) ?? null) !== canonical(value ?? null)
  ).map(([key, value]) => `${key}: ${show(before.get(key))} against ${show(value)}`);
  return `${join(out, "config.json")} is not as the run wrote it (checkpoint against now): ` +
    (changed.join("; ") || "no key that the checkpoint has differs");
}

function parsed(text: string): unknown {
  try {
    return parseJsonText(text);
  } catch {
    return undefined;
  }
}
