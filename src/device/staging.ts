/**
 * Reads bytes back. Deno maps a buffer within `mapAsync` itself, which blocks until the queue is
 * idle, but settles the promise some 10 ms later. Where that is known (`early`), the bytes are
 * taken at once and the promise is left to return the buffer to the pool.
 */
import { alignUp } from "../base/shape.ts";

/** A pool of buffers that can be mapped for reading. */
export class Staging {
  readonly #device: GPUDevice;
  readonly #early: boolean;
  readonly #free: GPUBuffer[] = [];

  constructor(device: GPUDevice, { early }: { early: boolean }) {
    this.#device = device;
    this.#early = early;
  }

  /** Gives what `record` copies into a buffer of `bytes` bytes. */
  async read(
    bytes: number,
    record: (encoder: GPUCommandEncoder, into: GPUBuffer) => void,
  ): Promise<ArrayBuffer> {
    const known = this.#take(bytes);
    const buffer = known ?? this.#make(bytes);
    const encoder = this.#device.createCommandEncoder();
    record(encoder, buffer);
    this.#device.queue.submit([encoder.finish()]);
    const mapped = buffer.mapAsync(GPUMapMode.READ, 0, bytes);
    try {
      // Deno panics when a buffer that never finished a mapping is read early.
      if (!this.#early || known === undefined) await mapped;
      return buffer.getMappedRange(0, bytes).slice(0);
    } catch (fault) {
      // Of a lost device nothing is mapped: the queue took the copy without a word.
      await mapped;
      throw fault;
    } finally {
      mapped.then(() => {
        buffer.unmap();
        this.#free.push(buffer);
      }).catch(() => buffer.destroy()); // the device may be closed by then
    }
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
