/** Sums the time that passes spend on the device, by timestamp queries. */
import type { Staging } from "./staging.ts";

/** Passes whose stamps are kept until they are read. */
const CAPACITY = 1024;

/** Stamps passes and adds their durations up. */
export class PassClock {
  readonly #device: GPUDevice;
  readonly #queries: GPUQuerySet;
  readonly #stamps: GPUBuffer;
  #used = 0;
  #seconds = 0;

  constructor(device: GPUDevice) {
    this.#device = device;
    this.#queries = device.createQuerySet({ type: "timestamp", count: 2 * CAPACITY });
    this.#stamps = device.createBuffer({
      size: 16 * CAPACITY,
      usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC,
    });
  }

  /** What a pass descriptor needs to be stamped; undefined when the stamps are used up. */
  next(): GPUComputePassTimestampWrites | undefined {
    if (this.#used >= CAPACITY) return undefined;
    const at = 2 * this.#used++;
    return {
      querySet: this.#queries,
      beginningOfPassWriteIndex: at,
      endOfPassWriteIndex: at + 1,
    };
  }

  /** Seconds of all passes so far; waits for the device. */
  async seconds(staging: Staging): Promise<number> {
    if (this.#used === 0) return this.#seconds;
    const count = 2 * this.#used;
    this.#used = 0;
    const bytes = await staging.read(8 * count, (encoder, into) => {
      encoder.resolveQuerySet(this.#queries, 0, count, this.#stamps, 0);
      encoder.copyBufferToBuffer(this.#stamps, 0, into, 0, 8 * count);
    });
    const stamps = new BigUint64Array(bytes, 0, count);
    for (let i = 0; i < count; i += 2) {
      this.#seconds += Number((stamps[i + 1] as bigint) - (stamps[i] as bigint)) * 1e-9;
    }
    return this.#seconds;
  }

  /** Frees what the clock holds. */
  close(): void {
    this.#queries.destroy();
    this.#stamps.destroy();
  }
}
