/** WGSL that several kernels share: random numbers as in src/base/random.ts, and grids. */
import { ceilDiv } from "../base/shape.ts";

/** Threefry-2x32, 13 rounds; `threefry(key, counter)` equals the function in base/random.ts. */
export const THREEFRY = threefryWgsl();

function threefryWgsl(): string {
  const turns = [13, 15, 26, 6, 17, 29, 16, 24];
  const lines: string[] = [];
  for (let r = 0; r < 13; r++) {
    const turn = turns[r & 7] as number;
    lines.push(`x += y; y = ((y << ${turn}u) | (y >> ${32 - turn}u)) ^ x;`);
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

/** Invocations in a workgroup of a one-dimensional kernel. */
export const WORKGROUP_SIZE = 64;

/**
 * Workgroups for `n` invocations of a kernel that numbers them
 * `gid.x + gid.y * (groups.x * LINE)`, with at most `limit` groups along x.
 */
export function linearGroups(n: number, limit: number): [number, number, number] {
  const groups = ceilDiv(n, WORKGROUP_SIZE);
  const x = Math.min(groups, limit);
  return [x, ceilDiv(groups, x), 1];
}

/** Head of a one-dimensional kernel: binds `i`, and returns beyond `n`. */
export function linearHead(n: number, groups: readonly [number, number, number]): string {
  return `@compute @workgroup_size(${WORKGROUP_SIZE})
fn main(@builtin(global_invocation_id) gid: vec3<u32>) {
  let i = gid.x + gid.y * ${groups[0] * WORKGROUP_SIZE}u;
  if (i >= ${n}u) { return; }`;
}
