/** Events and folders that the report tests share. */
import type { RunEvent, RunFacts } from "../../src/report/events.ts";
import { summaryOf } from "../../src/report/summary.ts";

/** A run of 40 steps of 64 tokens. */
export const RUN: RunFacts = {
  name: "tiny",
  params: 12_345,
  workers: 2,
  adapter: "reference",
  kernels: "cpu",
  shaders: "reference",
  probe: "",
  deno: "2.9.6",
  tokensPerStep: 64,
  steps: 40,
  from: 0,
};

/** The start of the run; with `from` it is resumed there. */
export function start(from = 0): RunEvent {
  return { type: "start", run: { ...RUN, from } };
}

/** A step at 32 tokens per second; its loss tells which step it is. */
export function step(n: number): RunEvent {
  const facts = { step: n, loss: 5 - n / 16, lr: 3e-4, gradNorm: 1.5 };
  return { type: "step", ...facts, tokens: n * 64, tokensPerS: 32, seconds: n * 2 };
}

/** An evaluation. */
export function evaluation(n: number): RunEvent {
  return { type: "eval", step: n, valLoss: 4.25 };
}

/** A published checkpoint. */
export function checkpoint(n: number): RunEvent {
  return { type: "checkpoint", step: n, path: "out/step", ms: 45.4, bytes: 2_100_000, stallMs: 3 };
}

/** The end of the run. */
export const END: RunEvent = {
  type: "end",
  summary: summaryOf({
    steps: 40,
    loss: 2.5,
    valLoss: 4.25,
    tokens: 2560,
    tokensPerS: 32.00049,
    params: 12_345,
    workers: 2,
    adapter: "reference",
    stateHash: "ab".repeat(32),
    seconds: 80.12345,
  }),
};

/** A folder that is removed at the end of its scope. */
export class TempFolder implements Disposable {
  readonly path: string = Deno.makeTempDirSync({ prefix: "shoal-" });

  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}
