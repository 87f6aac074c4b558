/** Identity of trials: equal keys mean equal results. */
import { hashValue } from "../base/hash.ts";
import { hashedValues } from "../config/identity.ts";
import type { RunConfig } from "../config/schema.ts";

const DIGITS = 16;

/** 16 hex digits over the keys of a config that affect results, its steps, data and evaluation. */
export function trialKey(config: RunConfig): string {
  return digits({ ...identity(config), steps: config.steps });
}

/** A key shared by all trials that differ only in length. */
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
