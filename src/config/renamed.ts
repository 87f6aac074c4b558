/**
 * Config keys that had another name when runs were stored. A stored config is read by either name, and
 * every hash over keys takes the first one, so that runs, checkpoints and sweeps keep their identity.
 * Pure.
 */
import { isPlain } from "./plain.ts";

/** First name of a key, dotted, and its name today. */
export const RENAMED: Readonly<Record<string, string>> = {
  "windows": "micro_batch_size",
  "data.window": "data.seq_len",
  "optim.warmup": "optim.warmup_steps",
  "model.tied": "model.tie_embeddings",
};

const FIRST = new Map(Object.entries(RENAMED).map(([first, now]) => [now, first]));

/** The name that the dotted key `path` had first, which is its own for most. */
export function firstName(path: string): string {
  return FIRST.get(path) ?? path;
}

/** A stored config with today's names; a key that has today's name already stays. */
export function withTodaysNames<T>(config: T): T {
  return renamedBelow(config, "") as T;
}

function renamedBelow(value: unknown, path: string): unknown {
  if (!isPlain(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => {
      const whole = path === "" ? name : `${path}.${name}`;
      const now = RENAMED[whole]?.split(".").at(-1) ?? name;
      return [now in value ? name : now, renamedBelow(inner, whole)];
    }),
  );
}
