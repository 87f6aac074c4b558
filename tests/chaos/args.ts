/** The command line of the task `chaos`. */
import type { ChaosOptions } from "./gather.ts";

const DEFAULTS = { minutes: 5, seed: Date.now() % 1e6, workers: 3, mtbf: 2, steps: 300 };

/** Reads `--key=number` for keys of the defaults. @throws for anything else. */
export function parseArgs(args: readonly string[]): ChaosOptions {
  const options: Record<string, number> = { ...DEFAULTS };
  for (const arg of args) {
    const [, key = "", text = ""] = /^--(\w+)=([\d.]+)$/.exec(arg) ?? [];
    if (!(key in DEFAULTS)) {
      const known = Object.keys(DEFAULTS).map((name) => `--${name}=N`).join(" ");
      throw new TypeError(`Cannot read ${arg}: needs ${known}`);
    }
    options[key] = Number(text);
  }
  return options as unknown as ChaosOptions;
}
