/** One preparation in its own process; prints duration and peak memory. */
import { prepare } from "../../src/prepare/prepare.ts";

/** The output, as JSON. */
export interface Prepared {
  readonly seconds: number;
  /** Peak resident set in MB; the final one if the system does not report the peak. */
  readonly rss: number;
  readonly tokens: number;
  /** Seconds of a second call, which has nothing to do. */
  readonly again: number;
}

function peakMegabytes(): number {
  try {
    const [, kilobytes] = /VmHWM:\s+(\d+)/.exec(Deno.readTextFileSync("/proc/self/status")) ?? [];
    return Number(kilobytes) * 1024 / 1e6;
  } catch {
    return Deno.memoryUsage().rss / 1e6;
  }
}

if (import.meta.main) {
  const [file = "", out = "", tokenizer = ""] = Deno.args;
  const request = { names: [file], out, tokenizer, validation: 0.1 };
  const start = performance.now();
  const { index } = await prepare(request);
  const middle = performance.now();
  const rss = peakMegabytes();
  await prepare(request);
  const said: Prepared = {
    seconds: (middle - start) / 1000,
    rss,
    tokens: (index?.train.tokens ?? 0) + (index?.validation.tokens ?? 0),
    again: (performance.now() - middle) / 1000,
  };
  console.log(JSON.stringify(said));
}
