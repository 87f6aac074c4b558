/** The stored config of a run: keeps older ones, and reports changes that were made by hand. */
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

/** Copies the stored config aside if a run that begins at step 0 has a config of other numbers. */
export function keepConfig(out: string, config: RunConfig): void {
  const path = join(out, "config.json");
  try {
    const text = readIfAny(path);
    if (text === "" || configDifferences(resolveStored(parseJsonText(text)), config).length === 0) {
      return;
    }
  } catch {
    // A config that cannot be read is kept as well.
  }
  copyAside(path);
}

/**
 * The notice for a stored config that differs from what the run wrote, by the hash in its journal;
 * undefined where it does not. `written`: that hash.
 */
export function changedConfig(
  out: string,
  { written, from }: { written: string | undefined; from: Checkpoint | undefined },
): string | undefined {
  const text = readIfAny(join(out, "config.json"));
  // The reader of the config refuses one that does not parse.
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
