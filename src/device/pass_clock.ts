/** When passes begin and end on the device, by timestamp queries, and how long all took. */
import type { Staging } from "./staging.ts";

/** Passes whose stamps are kept until they are read: half of what a query set may hold. */
const CAPACITY = 2048;

/** When a pass ran, in seconds since the first that was stamped. */
export interface PassTime {
  /** Seconds from the beginning of the first pass that was stamped. */
  readonly begin: number;
  /** The same of its end. */
  readonly end: number;
}

/** Stamps passes, tells when they ran, and adds their durations up. */
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

  /** Passes that can be stamped until the stamps are read. */
  get free(): number {
    return CAPACITY - this.#used;
  }

  /** Seconds of all passes so far; waits for the device. */
  async seconds(staging: Staging): Promise<number> {
    await this.passes(staging);
    return this.#seconds;
  }

  /** Passes since the stamps were last read, in order; waits for the device. */
  async passes(staging: Staging): Promise<PassTime[]> {
    if (this.#used === 0) return [];
    const count = 2 * this.#used;
    this.#used = 0;
    const bytes = await staging.read(8 * count, (encoder, into) => {
      encoder.resolveQuerySet(this.#queries, 0, count, this.#stamps, 0);
      encoder.copyBufferToBuffer(this.#stamps, 0, into, 0, 8 * count);
    });
    const stamps = new BigUint64Array(bytes, 0, count);
    const origin = this.#origin ??= stamps[0] as bigint;
    const at = (i: number) => Number((stamps[i] as bigint) - origin) * 1e-9;
    const passes = Array.from(
      { length: count / 2 },
      (_, i): PassTime => ({ begin: at(2 * i), end: at(2 * i + 1) }),
    );
    this.#seconds += passes.reduce((sum, { begin, end }) => sum + end - begin, 0);
    return passes;
  }

  /** Frees what the clock holds. */
  close(): void {
    this.#queries.destroy();
    this.#stamps.destroy();
  }
}
