/**
 * Config keys that were renamed. A stored config is read by either name, and hashes are taken over the
 * first one, so that runs, checkpoints and sweeps of earlier versions keep their identity. Pure.
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

/** The first name of the dotted key `path`: `path` itself unless it was renamed. */
export function firstName(path: string): string {
  return FIRST.get(path) ?? path;
}

/** Today's name of the dotted key `path`: `path` itself unless it was renamed. */
export function todaysName(path: string): string {
  return Object.hasOwn(RENAMED, path) ? RENAMED[path] as string : path;
}

/** A stored config with today's names. Where a key is there under both, the first name stays. */
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
