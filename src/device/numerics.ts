/**
 * Measures f32 behaviour that WebGPU leaves to the device: NaN bits, subnormals, fused
 * multiply-add.
 */

/** Observed behaviour. */
export interface Numerics {
  /** Copying a NaN as f32 preserves its bits. */
  readonly keepsNaN: boolean;
  /** x != x is true for a NaN; false with compilers that assume finite math. */
  readonly seesNaN: boolean;
  /** Half of the smallest normal number is not flushed to 0. */
  readonly keepsSubnormals: boolean;
  /** Sums of subnormals are bitwise those of a Float32Array. */
  readonly addsSubnormals: boolean;
  /** a * b + c is rounded once (contracted to an FMA). */
  readonly fusesMultiplyAdd: boolean;
}

/** Operands are loaded from memory, so that the compiler cannot fold constants. */
const WGSL = `
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(1)
fn main() {
  y[0] = x[0];
  y[1] = select(0.0, 1.0, x[0] != x[0]);
  y[2] = x[1] * x[2];
  y[3] = x[3] + x[4];
  y[4] = x[5] * x[5] + x[6];
}`;

const QUIET_NAN = 0x7fc12345;
const SMALLEST = 2 ** -126;
/** Two subnormals whose sum is subnormal. */
const SMALL: readonly [number, number] = [0x12345 * 2 ** -149, 0x54321 * 2 ** -149];
/** a * a - (1 + 2^-11) is 2^-24 with one rounding, and 0 if the product is rounded to f32 first. */
const FACTOR = 1 + 2 ** -12;
const MINUS = -(1 + 2 ** -11);

/** Runs the test kernel on a device. */
export async function numericsOf(device: GPUDevice): Promise<Numerics> {
  const x = new Float32Array([0, SMALLEST, 0.5, ...SMALL, FACTOR, MINUS]);
  new Uint32Array(x.buffer)[0] = QUIET_NAN;
  const y = new Float32Array(await computed(device, x, 5));
  const expected = Math.fround(SMALL[0]) + Math.fround(SMALL[1]);
  return {
    keepsNaN: new Uint32Array(y.buffer)[0] === QUIET_NAN,
    seesNaN: y[1] === 1,
    keepsSubnormals: y[2] === SMALLEST / 2,
    addsSubnormals: y[3] === Math.fround(expected),
    fusesMultiplyAdd: y[4] !== 0,
  };
}

async function computed(
  device: GPUDevice,
  x: Float32Array<ArrayBuffer>,
  n: number,
): Promise<ArrayBuffer> {
  const { STORAGE, COPY_SRC, COPY_DST, MAP_READ } = GPUBufferUsage;
  const source = device.createBuffer({ size: x.byteLength, usage: STORAGE | COPY_DST });
  const target = device.createBuffer({ size: 4 * n, usage: STORAGE | COPY_SRC });
  const staging = device.createBuffer({ size: 4 * n, usage: COPY_DST | MAP_READ });
  device.queue.writeBuffer(source, 0, x);
  const pipeline = device.createComputePipeline({
    layout: "auto",
    compute: { module: device.createShaderModule({ code: WGSL }), entryPoint: "main" },
  });
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(
    0,
    device.createBindGroup({
      layout: pipeline.getBindGroupLayout(0),
      entries: [source, target].map((buffer, binding) => ({ binding, resource: { buffer } })),
    }),
  );
  pass.dispatchWorkgroups(1);
  pass.end();
  encoder.copyBufferToBuffer(target, 0, staging, 0, 4 * n);
  device.queue.submit([encoder.finish()]);
  await staging.mapAsync(GPUMapMode.READ);
  const bytes = staging.getMappedRange().slice(0);
  for (const buffer of [source, target, staging]) buffer.destroy();
  return bytes;
}
