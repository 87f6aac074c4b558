/** The type of a config before validation. */

/** A config before validation. */
export type PlainConfig = Readonly<Record<string, unknown>>;

/** Whether a value is an object and no array. */
export function isPlain(value: unknown): value is PlainConfig {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
