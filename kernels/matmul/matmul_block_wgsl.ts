/**
 * Prints the blocked matmul kernel for GPUs: a workgroup copies a block of A and one of B into
 * workgroup memory, then each invocation computes its register tile from there, with K unrolled.
 * No invocation returns early: all of a workgroup must reach the barriers.
 */
import { range } from "../emit/range.ts";
import { declareOperand, plusWgsl, products, vec4 } from "./matmul_wgsl.ts";
import type { MatmulKernel, Operand, SumName, Tiling } from "./matmul_wgsl.ts";

/** A blocked kernel: each slice multiplies `steps` values of K between two barriers. */
export type BlockKernel = MatmulKernel & { readonly steps: number };

/** A block of one operand in workgroup memory. */
interface Block {
  readonly operand: Operand;
  /** Values of K in the block, over all slices and of one slice. */
  readonly depth: number;
  readonly steps: number;
  /** Quads (four elements) along the tiled axis. */
  readonly quads: number;
  /** WGSL of the invocation's index along the tiled axis, and the number of invocations there. */
  readonly own: string;
  readonly count: number;
  /** WGSL of the block's first element on the tiled axis. */
  readonly first: string;
  /** Quads that one invocation copies. */
  readonly copies: number;
  readonly threads: number;
}

/** Bytes of a vec4 in workgroup memory. */
export const QUAD_BYTES = 16;

/** Row stride in quads, padded by one against bank conflicts. */
const stride = (quads: number): number => quads + 1;

function blocks(kernel: BlockKernel): [Block, Block] {
  const { m, n, k, ta, tb, tile: [tm, tn], group: [gx, gy], slices = 1, steps } = kernel;
  const depth = steps * slices;
  const threads = gx * gy * slices;
  const block = (operand: Operand, count: number, own: string, first: string): Block => {
    const rows = count * operand.tile;
    const quads = rows / 4;
    const copies = quads * depth / threads;
    if (!Number.isInteger(copies)) {
      throw new RangeError(
        `Cannot print blocks of ${rows} x ${depth}: they must be whole quads for ${threads} ` +
          `invocations: ${copies} each`,
      );
    }
    return { operand, depth, steps, quads, own, count, first, copies, threads };
  };
  const a: Operand = { name: "a", size: m, k, along: ta, first: "", tile: tm };
  const b: Operand = { name: "b", size: n, k, along: !tb, first: "", tile: tn };
  return [block(a, gy, "ly", "mb"), block(b, gx, "lx", "nb")];
}

/** Bytes of workgroup memory of both blocks. */
export function blockBytes(
  { tile: [tm, tn], group: [gx, gy], slices = 1, steps = 0 }: Tiling,
): number {
  return steps * slices * (stride(tm * gy / 4) + stride(tn * gx / 4)) * QUAD_BYTES;
}

/**
 * Axes from the outside in: slice, then indices that are constants in the text, then quad. Bounds
 * clamps of the variable indices are then loop-invariant, and the rest of an address is constant.
 */
function declareBlock(b: Block): string {
  const { operand: { name, along }, steps, depth } = b;
  const rows = along ? [steps] : [steps / 4, 4];
  const type = [stride(b.quads), ...rows, depth / steps].reduce(
    (inner, n) => `array<${inner}, ${n}>`,
    "vec4<f32>",
  );
  return `var<workgroup> block_${name}: ${type};`;
}

/** Source and destination indices of an invocation's copies: the part that does not depend on K. */
function copyIndices(b: Block): string[] {
  const { operand: { name, along, size, k }, depth, steps, quads, first, threads } = b;
  const wide = vec4(b.operand);
  const part = (at: string, n: number) => n === depth ? "0u" : `${at} / ${n}u`;
  if (along) {
    const at = `${first} / 4u + ${name}u`;
    const edge = size % (4 * quads) === 0 ? at : `min(${at}, ${Math.ceil(size / 4) - 1}u)`;
    return [
      `let ${name}u = lid % ${quads}u;`,
      `let ${name}q = ${edge};`,
      ...range(b.copies).flatMap((j) => [
        `let ${name}d${j} = ${plusWgsl(`lid / ${quads}u`, j * threads / quads)};`,
        `let ${name}p${j} = ${part(`${name}d${j}`, steps)};`,
        `let ${name}t${j} = ${name}d${j} % ${steps}u;`,
      ]),
    ];
  }
  const across = depth / 4;
  return [
    `let ${name}e = lid % ${across}u;`,
    `let ${name}p = ${part(`(4u * ${name}e)`, steps)};`,
    `let ${name}t = ${name}e % ${steps / 4}u;`,
    ...range(b.copies).flatMap((j) => {
      const at = `${first} + ${name}u${j}`;
      const edge = size % (4 * quads) === 0 ? at : `min(${at}, ${size - 1}u)`;
      const row = `(${edge}) * ${wide ? k / 4 : k}u`;
      return [
        `let ${name}u${j} = ${plusWgsl(`lid / ${across}u`, j * threads / across)};`,
        `let ${name}r${j} = ${row} + ${name}e${wide ? "" : " * 4u"};`,
      ];
    }),
  ];
}

/** The load for copy `j` of the block at `k` (WGSL); in the `last` block, values beyond K are 0. */
function fetched(b: Block, j: number, { k, last }: { k: string; last: boolean }): string {
  const { name, along, size, k: length } = b.operand;
  const wide = vec4(b.operand);
  if (along) {
    const depth = `${k} + ${name}d${j}`;
    const row = last ? `min(${depth}, ${length - 1}u)` : `(${depth})`;
    const word = wide
      ? `${name}[${row} * ${size / 4}u + ${name}q]`
      : `vec4<f32>(${
        range(4).map((c) => `${name}[${row} * ${size}u + min(4u * ${name}q + ${c}u, ${size - 1}u)]`)
          .join(", ")
      })`;
    return last ? `select(vec4<f32>(), ${word}, ${depth} < ${length}u)` : word;
  }
  if (wide) {
    const row = `${name}r${j} - ${name}e`;
    if (!last) return `${name}[${name}r${j} + ${k} / 4u]`;
    const quad = `${k} / 4u + ${name}e`;
    const word = `${name}[${row} + min(${quad}, ${length / 4 - 1}u)]`;
    return `select(vec4<f32>(), ${word}, ${quad} < ${length / 4}u)`;
  }
  const words = range(4).map((c) => {
    if (!last) return `${name}[${name}r${j} + ${k} + ${c}u]`;
    const at = `${k} + 4u * ${name}e + ${c}u`;
    const word = `${name}[${name}r${j} - 4u * ${name}e + min(${at}, ${length - 1}u)]`;
    return `select(0.0f, ${word}, ${at} < ${length}u)`;
  });
  return `vec4<f32>(${words.join(", ")})`;
}

/** The statement that stores copy `j` to workgroup memory. */
function put({ operand: { name, along } }: Block, j: number): string {
  if (along) return `block_${name}[${name}p${j}][${name}t${j}][${name}u] = ${name}f${j};`;
  const quad = `[${name}u${j} % 4u][${name}t][${name}u${j} / 4u]`;
  return `block_${name}[${name}p]${quad} = ${name}f${j};`;
}

/**
 * Loads of values `step` to `step + 3` of K for the invocation's tile, as `products` names them.
 */
function reads(b: Block, step: number): string[] {
  const { operand: { name, along, tile }, count, own, steps, depth } = b;
  const quad = (q: number) => plusWgsl(own, q * count);
  const slice = depth === steps ? "0u" : "slice";
  if (along) {
    return range(4).flatMap((s) =>
      range(tile / 4).map((q) =>
        `let ${name}${s}_${q} = block_${name}[${slice}][${step + s}u][${quad(q)}];`
      )
    );
  }
  return range(tile).map((i) =>
    `let ${name}${i} = block_${name}[${slice}][${i & 3}u][${step / 4}u][${quad(i >> 2)}];`
  );
}

const sum: SumName = (i, q) => `c${i}_${q}`;

/** Multiplies the first `steps` values of K in workgroup memory. */
function multiply(a: Block, b: Block, steps: number): string[] {
  return range(Math.ceil(steps / 4)).flatMap((e) => [
    "{",
    ...reads(a, 4 * e),
    ...reads(b, 4 * e),
    ...products(a.operand, b.operand, { steps: Math.min(4, steps - 4 * e), sum }),
    "}",
  ]);
}

/** Bindings, workgroup memory, and the body that leaves C's tile in vec4s `c<row>_<quad>`. */
export function printBlocks(kernel: BlockKernel): { head: string; body: string } {
  const { k, tile: [tm, tn], group: [gx, gy], slices = 1, steps, prefetch } = kernel;
  const { initialSum = () => "vec4<f32>()" } = kernel;
  const both = blocks(kernel);
  const [a, b] = both;
  const { depth } = a;
  const whole = k - k % depth;
  const each = (f: (block: Block, j: number) => string) =>
    both.flatMap((block) => range(block.copies).map((j) => f(block, j)));
  const fetch = (keyword: string, at: string, last = false) =>
    each((block, j) => {
      const name = `${block.operand.name}f${j}`;
      return `${keyword} ${name} = ${fetched(block, j, { k: at, last })};`.trimStart();
    });
  // The first barrier waits for invocations that still read the previous block.
  const swap = ["workgroupBarrier();", ...each(put), "workgroupBarrier();"];
  const loop = (lines: string[]) => [
    `for (var k = 0u; k < ${whole}u; k += ${depth}u) {`,
    ...lines.map((line) => "  " + line),
    "}",
  ];
  const early = () => [
    ...fetch("var", "0u"),
    ...loop([
      ...swap,
      // After the last whole block this fetches it again; the result is not used.
      `let next = min(k + ${depth}u, ${whole - depth}u);`,
      ...fetch("", "next"),
      ...multiply(a, b, steps),
    ]),
  ];
  const late = () => loop([...fetch("let", "k"), ...swap, ...multiply(a, b, steps)]);
  // Several slices pad the remainder with zeros. A single slice stops at K, to keep the bits of
  // kernels without blocks.
  const left = slices === 1 ? k - whole : steps;
  const rest =
    () => ["{", ...fetch("let", `${whole}u`, true), ...swap, ...multiply(a, b, left), "}"];
  const body = [
    `let lx = lid % ${gx}u;`,
    `let ly = (lid / ${gx}u) % ${gy}u;`,
    ...slices === 1 ? [] : [`let slice = lid / ${gx * gy}u;`],
    `let nb = wid.x * ${gx * tn}u;`,
    `let mb = wid.y * ${gy * tm}u;`,
    ...both.flatMap(copyIndices),
    ...range(tm).flatMap((i) =>
      range(tn / 4).map((q) => `var ${sum(i, q)} = ${initialSum(i, q)};`)
    ),
    ...whole === 0 ? [] : prefetch ? early() : late(),
    ...whole === k ? [] : rest(),
  ].map((line) => "  " + line).join("\n");
  const head = [
    declareOperand(a.operand, 0),
    declareOperand(b.operand, 1),
    ...both.map(declareBlock),
  ].join("\n") + "\n";
  return { head, body };
}

/** WGSL of the row in C of row `i` of an invocation's tile. */
export function blockRow({ group: [, gy] }: MatmulKernel, i: number): string {
  return `mb + (ly + ${(i >> 2) * gy}u) * 4u + ${i & 3}u`;
}

/** WGSL of the first column in C of quad `q`. */
export function blockColumn({ group: [gx] }: MatmulKernel, q: number): string {
  return `nb + (lx + ${q * gx}u) * 4u`;
}
