/**
 * Config keys that were renamed. Stored configs may use either name. Hashes use the first name, so
 * that the hashes of runs, checkpoints and sweeps of earlier versions stay valid.
 */
import { isPlain } from "./plain.ts";

/** First name of a dotted key, and its current name. */
export const RENAMED: Readonly<Record<string, string>> = {
  "windows": "micro_batch_size",
  "data.window": "data.seq_len",
  "optim.warmup": "optim.warmup_steps",
  "model.tied": "model.tie_embeddings",
};

const FIRST = new Map(Object.entries(RENAMED).map(([first, now]) => [now, first]));

/** The first name of the dotted key `path`: `path` itself unless it was renamed. */
export function firstName(path: string): string {
  return FIRST.get(path) ?? path;
}

/** The current name of the dotted key `path`: `path` itself unless it was renamed. */
export function todaysName(path: string): string {
  return Object.hasOwn(RENAMED, path) ? RENAMED[path] as string : path;
}

/** A stored config with current names. A first name stays if its current name is present too. */
export function withTodaysNames<T>(config: T): T {
  return renamedBelow(config, "") as T;
}

function renamedBelow(value: unknown, path: string): unknown {
  if (!isPlain(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => {
      const whole = path === "" ? name : `${path}.${name}`;
      const now = todaysName(whole).split(".").at(-1) as string;
      return [Object.hasOwn(value, now) ? name : now, renamedBelow(inner, whole)];
    }),
  );
}
