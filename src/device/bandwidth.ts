/**
 * How fast bytes move on a device and between it and the host. Each way is repeated until the time
 * outweighs the fixed cost of waiting, which the runtime makes about 10 ms.
 */

/** Bytes per second; a copy on the device counts what it reads and what it writes. */
export interface Bandwidths {
  readonly copy: number;
  /** queue.writeBuffer from the host's memory. */
  readonly upload: number;
  /** A copy to a staging buffer, mapped and taken out. */
  readonly readBack: number;
}

/** Bytes moved at once. */
const BYTES = 64 * 2 ** 20;
/** Milliseconds that a measurement shall take at least, and repetitions at most. */
const LONG = 300;
const MOST = 4096;

/** Measures three ways, about half a second each at worst. */
export async function bandwidthsOf(device: GPUDevice): Promise<Bandwidths> {
  const bytes = Math.min(BYTES, device.limits.maxBufferSize);
  const { COPY_SRC, COPY_DST, MAP_READ } = GPUBufferUsage;
  const [a, b, staging] = [COPY_SRC | COPY_DST, COPY_SRC | COPY_DST, COPY_DST | MAP_READ]
    .map((usage) => device.createBuffer({ size: bytes, usage })) as [
      GPUBuffer,
      GPUBuffer,
      GPUBuffer,
    ];
  const copy = (target: GPUBuffer, times = 1) => {
    const encoder = device.createCommandEncoder();
    for (let i = 0; i < times; i++) encoder.copyBufferToBuffer(a, 0, target, 0, bytes);
    device.queue.submit([encoder.finish()]);
  };
  const data = new Uint8Array(bytes).fill(7);
  const taken = new Uint8Array(bytes);
  const done = () => device.queue.onSubmittedWorkDone();
  const rates = {
    copy: 2 * bytes * await perSecond(async (times) => {
      copy(b, times);
      await done();
    }),
    upload: bytes * await perSecond(async (times) => {
      for (let i = 0; i < times; i++) device.queue.writeBuffer(a, 0, data);
      await done();
    }),
    readBack: bytes * await perSecond(async (times) => {
      for (let i = 0; i < times; i++) {
        copy(staging);
        await staging.mapAsync(GPUMapMode.READ);
        taken.set(new Uint8Array(staging.getMappedRange()));
        staging.unmap();
      }
    }),
  };
  for (const buffer of [a, b, staging]) buffer.destroy();
  return rates;
}

/** Times a second that something can be done, after one that warms it up. */
async function perSecond(work: (times: number) => Promise<void>): Promise<number> {
  await work(1);
  let best = 0;
  for (let times = 1;; times *= 4) {
    const start = performance.now();
    await work(times);
    const ms = performance.now() - start;
    // Machines are noisy: what was fast once can be.
    best = Math.max(best, 1000 * times / ms);
    if (ms >= LONG || times >= MOST) return best;
  }
}
