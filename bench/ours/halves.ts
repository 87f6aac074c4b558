/**
 * How two workers share the work of a row: the first axis of the large tensors is cut in the middle.
 * Pure.
 */
import type { Kind, Loaded, Task } from "../peers/task.ts";
import { meanSize } from "../peers/values.ts";

/** Workers. */
export const WORLD = 2;

/** What is cut, the size that this halves, and the results that are sums over both halves. */
interface Cut {
  readonly size: string;
  readonly tensors: readonly string[];
  readonly summed: readonly string[];
}

const CUTS: Partial<Readonly<Record<Kind, Cut>>> = {
  matmul: { size: "m", tensors: ["a"], summed: [] },
  attention: { size: "B", tensors: ["qkv", "dy"], summed: [] },
  layer_norm: { size: "R", tensors: ["x", "dy"], summed: ["dweight", "dbias"] },
};

/** A worker's half of a kernel; of other tasks, the whole. @throws {RangeError} for an odd size. */
export function halfOf(task: Task, rank: number): Task {
  const cut = CUTS[task.kind];
  if (cut === undefined) return task;
  const size = task.sizes[cut.size] ?? NaN;
  if (size % WORLD !== 0) {
    throw new RangeError(`Cannot halve ${task.name}: need an even ${cut.size}: got ${size}`);
  }
  const tensors = [...task.tensors].map(([name, tensor]): [string, Loaded] => [
    name,
    cut.tensors.includes(name) ? half(tensor, rank) : tensor,
  ]);
  return {
    ...task,
    sizes: { ...task.sizes, [cut.size]: size / WORLD },
    tensors: new Map(tensors),
  };
}

function half(tensor: Loaded, rank: number): Loaded {
  const [first = 0, ...rest] = tensor.shape;
  const length = tensor.data.length / WORLD;
  return {
    ...tensor,
    shape: [first / WORLD, ...rest],
    data: tensor.data.slice(rank * length, (rank + 1) * length) as Loaded["data"],
  };
}

/** What a half tells of its results: means of sizes, and all elements of what will be summed. */
export function valuesOfHalf(
  { kind }: Task,
  results: Readonly<Record<string, Float32Array>>,
): number[][] {
  return Object.entries(results).map(([name, data]) =>
    CUTS[kind]?.summed.includes(name) ? Array.from(data) : [meanSize(data)]
  );
}

/** The values of the whole: of kernels from both halves, of a step those of either. */
export function valuesOfWhole(halves: readonly (readonly (readonly number[])[])[]): number[] {
  const [first = [], ...others] = halves;
  return first.map((elements, i) => {
    const sums = elements.map((value, k) =>
      others.reduce((sum, other) => sum + (other[i]?.[k] ?? NaN), value)
    );
    const whole = meanSize(Float32Array.from(sums));
    return elements.length === 1 ? whole / halves.length : whole;
  });
}
