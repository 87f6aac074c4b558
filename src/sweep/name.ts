/** Short names of trials. */
import { isPlain } from "../config/overrides.ts";
import { show } from "../config/faults.ts";

/** `layers=2 lr=0.003 tokens=65536`; `trial` without axes. */
export function nameOf(point: Readonly<Record<string, unknown>>): string {
  return words(point).join(" ") || "trial";
}

function words(values: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(values).flatMap(([key, value]) =>
    isPlain(value) ? words(value) : [`${key.slice(key.lastIndexOf(".") + 1)}=${plain(value)}`]
  );
}

function plain(value: unknown): string {
  return typeof value === "string" ? value : show(value);
}
