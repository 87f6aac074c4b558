/**
 * Prints dispatches that copy a run of elements from one tensor to another. They are moved as
 * words, so that no bit changes, whatever they stand for. Knows no op.
 */
import type { Launch, Target } from "../../src/graph/types.ts";
import { linearGroups, linearHead } from "../../src/graph/wgsl.ts";

/** Elements between places at which a binding may start. */
const ALIGN = 64;

/** A run of elements, and where it goes. */
export interface CopyRange {
  /** Number of the input, and its first element. */
  readonly from: readonly [input: number, first: number];
  /** Number of the output, and its first element. */
  readonly to: readonly [output: number, first: number];
  readonly length: number;
}

/** The dispatch that copies a run. */
export function copyLaunch({ from, to, length }: CopyRange, target: Target): Launch {
  // Bindings begin close to the run, so that runs at aligned places share one kernel.
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
