/**
 * Measures the bandwidth of copies on a device and between device and host. Repetitions increase
 * until they dominate the fixed cost of waiting, about 10 ms in this runtime.
 */

/** Bytes per second; a copy on the device counts bytes read and bytes written. */
export interface Bandwidths {
  readonly copy: number;
  /** queue.writeBuffer from the host's memory. */
  readonly upload: number;
  /** A copy to a staging buffer, `mapAsync`, and a copy to the host's memory. */
  readonly readBack: number;
}

/** Bytes per copy. */
const BYTES = 64 * 2 ** 20;
/** Least duration of a measurement in milliseconds, and most repetitions. */
const LONG = 300;
const MOST = 4096;

/** Measures the three bandwidths; each takes about half a second at most. */
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

/** Repetitions per second of `work`, after one for warmup. */
async function perSecond(work: (times: number) => Promise<void>): Promise<number> {
  await work(1);
  let best = 0;
  for (let times = 1;; times *= 4) {
    const start = performance.now();
    await work(times);
    const ms = performance.now() - start;
    // Noise only slows a measurement down: keep the best.
    best = Math.max(best, 1000 * times / ms);
    if (ms >= LONG || times >= MOST) return best;
  }
}
