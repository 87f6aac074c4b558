/**
 * Prints dispatches that copy a contiguous range of elements from one tensor to another. Elements
 * are copied as u32 words, so that all bits (NaN payloads as well) stay.
 */
import type { Launch, Target } from "../../src/graph/types.ts";
import { linearGroups, linearHead } from "../../src/graph/wgsl.ts";

/** Alignment of binding offsets, in elements (256 bytes). */
const ALIGN = 64;

/** A contiguous range of elements and its destination. */
export interface CopyRange {
  /** Index of the input, and first element. */
  readonly from: readonly [input: number, first: number];
  /** Index of the output, and first element. */
  readonly to: readonly [output: number, first: number];
  readonly length: number;
}

/** The dispatch that copies a range. */
export function copyLaunch({ from, to, length }: CopyRange, target: Target): Launch {
  // Bindings start at the nearest aligned offset, so that ranges at aligned offsets share a kernel.
  const [read, write] = [from[1] % ALIGN, to[1] % ALIGN];
  const width = [read, write, length].every((n) => n % 4 === 0) ? 4 : 1;
  const groups = linearGroups(length / width, target.groups);
  const type = width === 4 ? "vec4<u32>" : "u32";
  return {
    wgsl: `@group(0) @binding(0) var<storage, read> x: array<${type}>;
@group(0) @binding(1) var<storage, read_write> y: array<${type}>;
${linearHead(length / width, groups)}
  y[i + ${write / width}u] = x[i + ${read / width}u];
}
`,
    bindings: [
      { input: from[0], offset: from[1] - read, length: read + length },
      { output: to[0], offset: to[1] - write, length: write + length },
    ],
    groups,
  };
}
