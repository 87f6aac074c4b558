/**
 * Reads device memory back through a pool of staging buffers. Deno's `mapAsync` blocks until the
 * queue is idle and maps the buffer, but settles its promise some 10 ms later. On runtimes where
 * this was verified (`early`), the bytes are read immediately; the promise then returns the buffer
 * to the pool.
 */
import { alignUp } from "../base/shape.ts";

/** Records copies into a staging buffer. */
type RecordCopy = (encoder: GPUCommandEncoder, into: GPUBuffer) => void;

/** Bytes that are being copied to a staging buffer. */
export interface StagedBytes {
  /** Waits for the queue, if the runtime does so, and maps the buffer. */
  map(): void;
  /** Copies the bytes out, and returns the buffer to the pool. */
  take(target: Uint8Array): Promise<void>;
}

/** A pool of staging buffers. */
export class Staging {
  readonly #device: GPUDevice;
  readonly #early: boolean;
  readonly #free: GPUBuffer[] = [];

  constructor(device: GPUDevice, { early }: { early: boolean }) {
    this.#device = device;
    this.#early = early;
  }

  /** Writes to `target` what the commands of `record` copy into a staging buffer of its length. */
  async read(target: Uint8Array, record: RecordCopy): Promise<void> {
    await this.stage(target.length, record).take(target);
  }

  /** Queues the commands of `record`, which copy `bytes` bytes into a staging buffer. */
  stage(bytes: number, record: RecordCopy): StagedBytes {
    const known = this.#take(bytes);
    const buffer = known ?? this.#make(bytes);
    const encoder = this.#device.createCommandEncoder();
    record(encoder, buffer);
    this.#device.queue.submit([encoder.finish()]);
    let mapping: Promise<void> | undefined;
    const map = () => {
      mapping ??= buffer.mapAsync(GPUMapMode.READ, 0, bytes);
      mapping.catch(() => {}); // take() reports it
      return mapping;
    };
    return {
      map: () => void map(),
      take: async (target) => {
        const mapped = map();
        try {
          // Deno panics on an early read of a buffer that has never completed a mapping.
          if (!this.#early || known === undefined) await mapped;
          target.set(new Uint8Array(buffer.getMappedRange(0, bytes)));
        } catch (fault) {
          // submit() succeeds silently on a lost device; the failure only surfaces in mapAsync.
          await mapped;
          throw fault;
        } finally {
          mapped.then(() => {
            buffer.unmap();
            this.#free.push(buffer);
          }).catch(() => buffer.destroy()); // the device may be closed by then
        }
      },
    };
  }

  #take(bytes: number): GPUBuffer | undefined {
    const at = this.#free.findIndex((b) => b.size >= bytes && b.size <= 4 * alignUp(bytes, 4096));
    return at < 0 ? undefined : this.#free.splice(at, 1)[0];
  }

  #make(bytes: number): GPUBuffer {
    return this.#device.createBuffer({
      label: "staging",
      size: alignUp(bytes, 4096),
      usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
    });
  }
}
