/**
 * Prints the reduction of sliced K (intra-workgroup split-K): slice 0 adds the partial sums of the
 * other slices through workgroup memory, in order. The order is fixed, so results are
 * deterministic, but their bits differ from kernels that sum along K.
 */
import { blockBytes, QUAD_BYTES } from "./matmul_block_wgsl.ts";
import { range } from "../emit/range.ts";
import type { Tiling } from "./matmul_wgsl.ts";

/** Bytes of workgroup memory that every WebGPU adapter has. */
const FLOOR_BYTES = 16384;

/** Invocations of a workgroup. */
export function threadsOf({ group: [gx, gy], slices = 1 }: Tiling): number {
  return gx * gy * slices;
}

/** Bytes for one quad of each tile, over all slices but the first. */
function bytesOfQuad({ group: [gx, gy], slices = 1 }: Tiling): number {
  return (slices - 1) * gx * gy * QUAD_BYTES;
}

/** Quads of a tile that are exchanged between two barriers: as many as fit beside the blocks. */
function quadsAtOnce(tiling: Tiling): number {
  const { tile: [tm, tn] } = tiling;
  const free = Math.floor((FLOOR_BYTES - blockBytes(tiling)) / bytesOfQuad(tiling));
  return Math.max(1, Math.min(free, tm * tn / 4));
}

/** Bytes of workgroup memory of a kernel with this tiling. */
export function workgroupBytes(tiling: Tiling): number {
  const { slices = 1 } = tiling;
  return blockBytes(tiling) + (slices === 1 ? 0 : bytesOfQuad(tiling) * quadsAtOnce(tiling));
}

/** Statements for each other slice: unrolled for a few, else a loop, which compiles faster. */
function others(count: number, each: (s: string) => string[]): string[] {
  if (count < 4) return range(count).flatMap((s) => each(`${s}u`));
  return [`for (var s = 0u; s < ${count}u; s++) {`, ...each("s"), "}"];
}

/**
 * Workgroup memory and statements of the reduction. Afterwards only slice 0 continues, with the
 * complete sums in `c<row>_<quad>`. The preceding body defines `lx`, `ly` and `slice`.
 */
export function addSlices(tiling: Tiling): { head: string; body: string } {
  const { tile: [tm, tn], group: [gx, gy], slices = 1 } = tiling;
  if (slices === 1) return { head: "", body: "" };
  const atOnce = quadsAtOnce(tiling);
  const sums = range(tm).flatMap((i) => range(tn / 4).map((q) => `c${i}_${q}`));
  const lines = range(Math.ceil(sums.length / atOnce)).flatMap((turn) => {
    const these = sums.slice(turn * atOnce, (turn + 1) * atOnce);
    return [
      ...turn === 0 ? [] : ["workgroupBarrier();"],
      "if (slice != 0u) {",
      ...these.map((name, j) => `  parts[slice - 1u][${j}u][place] = ${name};`),
      "}",
      "workgroupBarrier();",
      "if (slice == 0u) {",
      ...others(slices - 1, (s) => these.map((name, j) => `${name} += parts[${s}][${j}u][place];`)),
      "}",
    ];
  });
  const type = `array<array<array<vec4<f32>, ${gx * gy}>, ${atOnce}>, ${slices - 1}>`;
  const body = [`let place = ly * ${gx}u + lx;`, ...lines, "if (slice != 0u) { return; }"];
  return {
    head: `var<workgroup> parts: ${type};\n`,
    body: body.map((line) => `  ${line}\n`).join(""),
  };
}
