/** Runs of a second in this process, for tests of what lies in their folder. */
import type { RunConfig } from "../../src/config/schema.ts";
import { openReference } from "../../src/device/reference.ts";
import type { RunEvent } from "../../src/report/events.ts";
import { runTraining } from "../../workers/run/run.ts";
import { TempFolder } from "../checkpoint/fixture.ts";
import { memoryLaunch } from "./worker_processes.ts";
import { randomTokens, tinyConfig } from "./gpt.ts";

/** Steps of a run. */
export const STEPS = 6;

/** A folder with a text, and a run of it in `run`. */
export class RunFolder extends TempFolder {
  readonly run = `${this.path}/run`;

  constructor() {
    super();
    const text = String.fromCharCode(...randomTokens(600, 11).map((t) => 97 + t));
    Deno.writeTextFileSync(`${this.path}/text.txt`, text);
  }

  /** Trains up to `until`; `seen` is told of each event after it was recorded. */
  async train(
    { out = this.run, resume = false, until = STEPS, seen = () => {} }: {
      out?: string;
      resume?: boolean;
      until?: number;
      seen?: (event: RunEvent) => void;
    } = {},
  ): Promise<void> {
    await runTraining({
      config: this.#config(until),
      out,
      resume,
      launch: memoryLaunch(() => Promise.resolve(openReference())).launch,
      show: seen,
      stop: new AbortController().signal,
    });
  }

  #config(steps: number): RunConfig {
    const config = tinyConfig({ steps, micro_batch_size: 1, workers: 1 });
    return {
      ...config,
      data: { ...config.data, path: `${this.path}/text.txt` },
      optim: { ...config.optim, decay_steps: STEPS },
      checkpoint: { ...config.checkpoint, every: 2, keep: 2 },
      eval: { ...config.eval, every: 3 },
      report: { ...config.report, sample_length: 3, sample_every: 2 },
    };
  }

  /** The state that a finished run ended in. */
  hashOf(out = this.run): unknown {
    return JSON.parse(Deno.readTextFileSync(`${out}/summary.json`)).state_hash;
  }
}

/** Copies a folder with all that is in it, links as links. */
export function copyFolder(from: string, to: string, ...options: readonly string[]): void {
  const { success } = new Deno.Command("cp", { args: ["-a", ...options, from, to] }).outputSync();
  if (!success) throw new Error(`Cannot copy ${from}`);
}
