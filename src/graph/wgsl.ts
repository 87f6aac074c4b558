/**
 * WGSL shared by kernels: the random generator of src/base/random.ts, and one-dimensional grids.
 */
import { ceilDiv } from "../base/shape.ts";

/** Threefry-2x32 with 13 rounds; `threefry(key, counter)` equals the function in base/random.ts. */
export const THREEFRY = threefryWgsl();

function threefryWgsl(): string {
  const rotations = [13, 15, 26, 6, 17, 29, 16, 24];
  const lines: string[] = [];
  for (let r = 0; r < 13; r++) {
    const rotation = rotations[r & 7] as number;
    lines.push(`x += y; y = ((y << ${rotation}u) | (y >> ${32 - rotation}u)) ^ x;`);
    if ((r & 3) === 3) {
      const i = (r + 1) >> 2;
      lines.push(`x += k${i % 3}; y += k${(i + 1) % 3} + ${i}u;`);
    }
  }
  return `fn threefry(key: vec2<u32>, counter: vec2<u32>) -> vec2<u32> {
  let k0 = key.x; let k1 = key.y; let k2 = 0x1BD11BDAu ^ k0 ^ k1;
  var x = counter.x + k0; var y = counter.y + k1;
  ${lines.join("\n  ")}
  return vec2<u32>(x, y);
}
`;
}

/** Workgroup size of one-dimensional kernels. */
export const WORKGROUP_SIZE = 64;

/**
 * Dispatch size for `n` invocations of a kernel that starts with {@linkcode linearHead}: at most
 * `limit` workgroups along x, the rest along y.
 */
export function linearGroups(n: number, limit: number): [number, number, number] {
  const groups = ceilDiv(n, WORKGROUP_SIZE);
  const x = Math.min(groups, limit);
  return [x, ceilDiv(groups, x), 1];
}

/**
 * Start of a one-dimensional kernel: defines the invocation's index `i`, and returns for i >= n.
 */
export function linearHead(n: number, groups: readonly [number, number, number]): string {
  return `@compute @workgroup_size(${WORKGROUP_SIZE})
fn main(@builtin(global_invocation_id) gid: vec3<u32>) {
  let i = gid.x + gid.y * ${groups[0] * WORKGROUP_SIZE}u;
  if (i >= ${n}u) { return; }`;
}
