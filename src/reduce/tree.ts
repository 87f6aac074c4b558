/**
 * The aligned binary summation tree over the micro-batches of a step: node(l, k) = node(l - 1, 2k)
 * + node(l - 1, 2k + 1), leaf k = micro-batch k. The order of additions does not depend on which
 * worker computes what. Pure.
 */
import { treeAddInto } from "../base/tree_add.ts";

/** Micro-batches [index * 2^level, (index + 1) * 2^level). */
export interface TreeNode {
  readonly level: number;
  readonly index: number;
}

/** The sum of the gradients below a node. */
export interface SubtreePart {
  readonly node: TreeNode;
  readonly data: Float32Array;
}

/** Writes the sums of two arrays to a third, which may be either of them. */
export type AddInto = (target: Float32Array, left: Float32Array, right: Float32Array) => void;

/** How sums are computed: by which addition, and where they go. */
interface Summing {
  readonly add: AddInto;
  /** Where that of a level goes. */
  readonly into?: { readonly level: number; readonly data: Float32Array };
  /** Where all others go; default: over the left part. */
  readonly spare?: ((node: TreeNode) => Float32Array) | undefined;
}

/** First micro-batch below a node. */
export function firstOf({ level, index }: TreeNode): number {
  return index * 2 ** level;
}

/** First micro-batch after a node. */
export function subtreeEnd({ level, index }: TreeNode): number {
  return (index + 1) * 2 ** level;
}

/** A node as text: `micro-batches [4, 8)`. */
export function showNode(node: TreeNode): string {
  return `micro-batches [${firstOf(node)}, ${subtreeEnd(node)})`;
}

/** The smallest set of nodes that covers exactly [first, first + count), in order. */
export function cover(first: number, count: number): TreeNode[] {
  const nodes: TreeNode[] = [];
  const end = first + count;
  for (let at = first; at < end;) {
    let level = 0;
    while (at % 2 ** (level + 1) === 0 && at + 2 ** (level + 1) <= end) level++;
    nodes.push({ level, index: at / 2 ** level });
    at += 2 ** level;
  }
  return nodes;
}

/**
 * Adds siblings until none are left. Parts must be adjacent and in order; the result is the cover
 * of their range. In place: a sum overwrites its left part, and its right part is free. Calling it
 * after each leaf, with the previous result and the leaf, keeps at most log2(S) + 1 arrays.
 * @throws {RangeError} for gaps and unequal lengths.
 */
export function merge(parts: readonly SubtreePart[]): SubtreePart[] {
  return mergeBy(parts, { add: treeAddInto });
}

function mergeBy(parts: readonly SubtreePart[], summing: Summing): SubtreePart[] {
  const stack: SubtreePart[] = [];
  for (const part of parts) {
    const before = stack.at(-1);
    if (before && subtreeEnd(before.node) !== firstOf(part.node)) {
      throw new RangeError(
        `Cannot merge parts: needs ${showNode(before.node)} to be followed at once: ` +
          `next are ${showNode(part.node)}`,
      );
    }
    stack.push(part);
    while (mergeTop(stack, summing));
  }
  return stack;
}

/** Replaces the last two parts by their sum if they are siblings; returns whether they were. */
function mergeTop(stack: SubtreePart[], { add, into, spare }: Summing): boolean {
  const right = stack.at(-1);
  const left = stack.at(-2);
  if (!left || !right) return false;
  const { level, index } = left.node;
  if (level !== right.node.level || index % 2 !== 0) return false;
  const node = { level: level + 1, index: index / 2 };
  const data = node.level === into?.level ? into.data : spare?.(node) ?? left.data;
  add(data, left.data, right.data);
  stack.splice(-2, 2, { node, data });
  return true;
}

/**
 * The sum over all `microBatches` (a power of two), from parts in any order that contain each
 * exactly once. The sum is written to `into`, or else to the first part. Sums below it are written to
 * `spare`, which needs no two buffers for nodes of one level whose indices differ by 2; without it
 * they overwrite parts. @throws {RangeError} unless the parts tile [0, microBatches).
 */
export function finish(
  parts: readonly SubtreePart[],
  microBatches: number,
  into?: Float32Array,
  { add = treeAddInto, spare }: Partial<Pick<Summing, "add" | "spare">> = {},
): Float32Array {
  if (!isPowerOfTwo(microBatches)) {
    throw new RangeError(
      `Cannot sum micro-batches: needs a power of two of them: got ${microBatches}`,
    );
  }
  const inOrder = parts.toSorted((a, b) => firstOf(a.node) - firstOf(b.node));
  const first = inOrder[0];
  const last = inOrder.at(-1);
  if (!first || !last || firstOf(first.node) !== 0 || subtreeEnd(last.node) !== microBatches) {
    throw new RangeError(
      `Cannot sum micro-batches: needs all of [0, ${microBatches}): ` +
        `got ${inOrder.map((p) => showNode(p.node)).join(" and ") || "none"}`,
    );
  }
  for (const { data } of inOrder) {
    if (data.length === (into ?? first.data).length) continue;
    throw new RangeError(
      `Cannot sum micro-batches: needs equal lengths: ${(into ?? first.data).length} and ` +
        data.length,
    );
  }
  if (into === undefined) return (mergeBy(inOrder, { add, spare })[0] as SubtreePart).data;
  const level = Math.log2(microBatches);
  if (inOrder.length > 1) mergeBy(inOrder, { add, spare, into: { level, data: into } });
  else if (into !== first.data) into.set(first.data);
  return into;
}

/** @throws {RangeError} unless the roots are those of the nodes, each of `length` elements. */
export function requireCover(
  roots: readonly SubtreePart[],
  { nodes, length }: { readonly nodes: readonly TreeNode[]; readonly length: number },
): void {
  const fits = roots.length === nodes.length &&
    roots.every(({ node, data }, i) =>
      node.level === nodes[i]?.level && node.index === nodes[i]?.index && data.length === length
    );
  if (fits) return;
  const got = roots.map(({ node, data }) => `${showNode(node)} of ${data.length} elements`);
  const needed = nodes.map(showNode).join(", ") || "of nothing";
  throw new RangeError(
    `Cannot reduce: needs roots ${needed} of ${length} elements: got ${got.join(", ") || "none"}`,
  );
}

/** Whether n is 1, 2, 4, 8, ... */
export function isPowerOfTwo(n: number): boolean {
  return Number.isInteger(n) && n >= 1 && Number.isInteger(Math.log2(n));
}
