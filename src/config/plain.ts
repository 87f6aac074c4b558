/** Configs as they are written, before anything checks them. */

/** A config as written: plain, unchecked. */
export type PlainConfig = Readonly<Record<string, unknown>>;

/** Whether a value is an object with named entries. */
export function isPlain(value: unknown): value is PlainConfig {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
