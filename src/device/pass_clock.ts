/** Times compute passes on the device by timestamp queries. */
import type { Staging } from "./staging.ts";
import type { PassTime } from "./types.ts";

/** Passes per query set: WebGPU's limit is 4096 queries, and a pass needs two. */
const CAPACITY = 2048;

/** Timestamps passes, and accumulates their durations. */
export class PassClock {
  readonly #device: GPUDevice;
  readonly #queries: GPUQuerySet;
  readonly #stamps: GPUBuffer;
  #used = 0;
  #seconds = 0;
  #origin: bigint | undefined;

  constructor(device: GPUDevice) {
    this.#device = device;
    this.#queries = device.createQuerySet({ type: "timestamp", count: 2 * CAPACITY });
    this.#stamps = device.createBuffer({
      size: 16 * CAPACITY,
      usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC,
    });
  }

  /** `timestampWrites` of the next pass; undefined when the query set is full. */
  next(): GPUComputePassTimestampWrites | undefined {
    if (this.#used >= CAPACITY) return undefined;
    const at = 2 * this.#used++;
    return {
      querySet: this.#queries,
      beginningOfPassWriteIndex: at,
      endOfPassWriteIndex: at + 1,
    };
  }

  /** Passes that can still be timed before {@linkcode passes} must be called. */
  get free(): number {
    return CAPACITY - this.#used;
  }

  /** Total seconds of all passes so far; waits for the device. */
  async seconds(staging: Staging): Promise<number> {
    await this.passes(staging);
    return this.#seconds;
  }

  /** Passes since the last call, in order of submission; waits for the device. */
  async passes(staging: Staging): Promise<PassTime[]> {
    if (this.#used === 0) return [];
    const count = 2 * this.#used;
    this.#used = 0;
    const stamps = new BigUint64Array(count);
    await staging.read(new Uint8Array(stamps.buffer), (encoder, into) => {
      encoder.resolveQuerySet(this.#queries, 0, count, this.#stamps, 0);
      encoder.copyBufferToBuffer(this.#stamps, 0, into, 0, 8 * count);
    });
    const origin = this.#origin ??= stamps[0] as bigint;
    const at = (i: number) => Number((stamps[i] as bigint) - origin) * 1e-9;
    const passes = Array.from(
      { length: count / 2 },
      (_, i): PassTime => ({ begin: at(2 * i), end: at(2 * i + 1) }),
    );
    this.#seconds += passes.reduce((sum, { begin, end }) => sum + end - begin, 0);
    return passes;
  }

  /** Destroys the query set and its buffer. */
  close(): void {
    this.#queries.destroy();
    this.#stamps.destroy();
  }
}
