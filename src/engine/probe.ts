/** How fast a worker steps, by a few steps on a device in this process. It keeps nothing. */
import type { RunConfig } from "../config/schema.ts";
import type { Device } from "../device/types.ts";
import type { Corpus } from "../corpus/corpus.ts";
import { Replica } from "./replica.ts";

/** What a probe has measured. */
export interface Probed {
  /** Micro-batches that were timed, behind one that warmed up. */
  readonly micro_batches: number;
  /** Seconds of one micro-batch with its part of the tree and of the look at the sum; the median. */
  readonly micro_batch_seconds: number;
  /** Seconds of an update; the median. */
  readonly update_seconds: number;
}

/** Seconds that a part of a probe may take, if it can be made smaller. */
const LONGEST = 20;

/** What a probe works on. */
export interface ProbeOptions {
  readonly config: RunConfig;
  readonly corpus: Corpus;
  readonly steps: number;
  /** Workers that share a step: each computes its part of the micro-batches; one by default. */
  readonly workers?: number;
  /** Told how many steps are timed, and of how many. */
  readonly timing?: (done: number, total: number) => void;
}

/** A worker whose kernels are compiled and warm. */
export interface WarmProbe {
  /** Times the steps. */
  time(): Promise<Probed>;
}

/**
 * Times `steps` steps of one worker that has all micro-batches. Kernels are compiled and warmed up
 * by one micro-batch before; it also tells whether a step is to be cut to fewer of them, or to that
 * one alone. @throws {Refusal} `tooLarge` when it does not fit.
 */
export async function probe(device: Device, options: ProbeOptions): Promise<Probed> {
  return await (await warmProbe(device, options)).time();
}

/** Warms a worker up. @throws {Refusal} `tooLarge` when it does not fit. */
export async function warmProbe(
  device: Device,
  { config, corpus, steps, workers = 1, timing }: ProbeOptions,
): Promise<WarmProbe> {
  const replica = new Replica(device, { config, corpus });
  await replica.open();
  const timed = async (level: number) => {
    const start = performance.now();
    replica.accumulate(0, { level, index: 0 });
    // A read waits until all that was queued has run.
    await replica.inspect();
    const inspected = performance.now();
    replica.update(0);
    await replica.read("param", 0, { offset: 0, length: 1 });
    const seconds = (inspected - start) / 1000 / 2 ** level;
    return { level, batch: seconds, update: (performance.now() - inspected) / 1000 };
  };
  timing?.(0, steps);
  const first = await timed(0);
  return {
    async time() {
      let all = [first];
      const { batch, update } = first;
      if (batch + update < LONGEST) {
        const most = Math.floor(Math.log2(LONGEST / steps / batch));
        const share = Math.floor(Math.log2(Math.max(1, config.micro_batches / workers)));
        const level = Math.max(0, Math.min(share, most));
        all = [];
        for (let step = 0; step < steps; step++) {
          timing?.(step, steps);
          all.push(await timed(level));
        }
      }
      return {
        micro_batches: all.reduce((sum, { level }) => sum + 2 ** level, 0),
        micro_batch_seconds: median(all.map(({ batch }) => batch)),
        update_seconds: median(all.map(({ update }) => update)),
      };
    },
  };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] as number;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] as number)) / 2;
}
