/** What makes a trial the same trial: two with one key end with the same numbers. */
import { hashValue } from "../base/hash.ts";
import { hashedValues } from "../config/identity.ts";
import type { RunConfig } from "../config/schema.ts";

const DIGITS = 16;

/**
 * 16 hex digits over the math keys of a config, its steps, what it reads and what its validation
 * loss is measured on.
 */
export function trialKey(config: RunConfig): string {
  return digits({ ...identity(config), steps: config.steps });
}

/** The same for all trials that differ in their length alone. */
export function groupKey(config: RunConfig): string {
  return digits({ ...identity(config), "optim.decay_steps": null });
}

function identity(config: RunConfig): Record<string, unknown> {
  const { data: { path, mix }, init, eval: { windows, stride } } = config;
  return { ...hashedValues(config), path, mix, init, windows_asked: windows, stride_asked: stride };
}

function digits(value: unknown): string {
  return hashValue(value).slice(0, DIGITS);
}
