/** Measures the speed of a worker with a few steps in this process. */
import type { RunConfig } from "../config/schema.ts";
import type { Device } from "../device/types.ts";
import type { Corpus } from "../corpus/corpus.ts";
import { Replica } from "./replica.ts";

/** The measurements of a probe. */
export interface Probed {
  /** Micro-batches timed, after one for warm-up. */
  readonly micro_batches: number;
  /**
   * Median seconds per micro-batch, including its share of the tree addition and gradient check.
   */
  readonly micro_batch_seconds: number;
  /** Median seconds of an update. */
  readonly update_seconds: number;
}

/** Most seconds of a probe, as far as it can be shortened. */
const LONGEST = 20;

/** Options of a probe. */
export interface ProbeOptions {
  readonly config: RunConfig;
  readonly corpus: Corpus;
  readonly steps: number;
  /** Workers that share a step's micro-batches. Default 1. */
  readonly workers?: number;
  /** Called with the number of timed steps and their total. */
  readonly timing?: (done: number, total: number) => void;
}

/** A worker whose kernels are compiled and warm. */
export interface WarmProbe {
  /** Times the steps. */
  time(): Promise<Probed>;
}

/**
 * Times `steps` steps of one worker with all micro-batches, after one micro-batch that compiles and
 * warms up the kernels. If that was slow, the steps are shortened to fewer micro-batches, or only
 * the first is used. @throws {UserError} `tooLarge` if the model does not fit.
 */
export async function probe(device: Device, options: ProbeOptions): Promise<Probed> {
  return await (await warmProbe(device, options)).time();
}

/** Warms a worker up. @throws {UserError} `tooLarge` if the model does not fit. */
export async function warmProbe(
  device: Device,
  { config, corpus, steps, workers = 1, timing }: ProbeOptions,
): Promise<WarmProbe> {
  const replica = new Replica(device, { config, corpus });
  await replica.open();
  const timed = async (level: number) => {
    const start = performance.now();
    replica.accumulate(0, { level, index: 0 });
    // A read waits for all queued work.
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
