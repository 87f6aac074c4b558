/**
 * Prints the matmul kernel with register blocking: a tile of C per invocation, K unrolled by 4,
 * vec4 loads along the contiguous axis of each operand, no workgroup memory. The fastest layout on
 * software Vulkan; measurements are in bench/results.
 */
import { range } from "../emit/range.ts";

/** How the work of a product is distributed over invocations. */
export interface Tiling {
  /** Rows and columns of C that one invocation computes; multiples of 4 along a contiguous axis. */
  readonly tile: readonly [number, number];
  /** Invocations along N and M. */
  readonly group: readonly [number, number];
  /**
   * Lanes of a subgroup that share the rows of a tile: each loads its part of A and broadcasts it
   * to the others. The workgroup is then one subgroup, [lanes, 1].
   */
  readonly lanes?: number;
  /** Sliced K: invocations that share a tile, each summing its part of K; a power of two. */
  readonly slices?: number;
  /**
   * Values of K per slice in workgroup memory between two barriers, a multiple of 4. Undefined:
   * operands are read from global memory.
   */
  readonly steps?: number;
  /** Fetches the next block into registers before this one is multiplied (software pipelining). */
  readonly prefetch?: boolean;
}

/** Sizes and tiling of a kernel: C[M, N] = op(A) op(B). */
export interface MatmulKernel extends Tiling {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** A is stored [K, M]. */
  readonly ta: boolean;
  /** B is stored [N, K]. */
  readonly tb: boolean;
  /** WGSL that a sum is initialised with; default: zero. */
  readonly initialSum?: SumName;
  /** WGSL of the index of A, B and C in stacks of matrices; not in blocked kernels. */
  readonly batch?: string;
  /** The same for B, if its matrix is another one. */
  readonly batchB?: string;
}

/** One operand: its binding, layout and tile. */
export interface Operand {
  /** Prefix of its registers. */
  readonly name: string;
  /** Name of its binding, if it is not `name`. */
  readonly buffer?: string;
  /** Elements along the tiled axis, and the length of K. */
  readonly size: number;
  readonly k: number;
  /** Whether the tiled axis (M or N) is the contiguous one, not K. */
  readonly along: boolean;
  /** WGSL of the tile's first element along the tiled axis. */
  readonly first: string;
  readonly tile: number;
  /** Set when the operand is a submatrix. */
  readonly part?: MatmulPart;
  /** WGSL of the first element of the matrix (of the first vec4 if it is read so); default: 0. */
  readonly start?: string;
}

/** The layout of a submatrix. */
export interface MatmulPart {
  /** WGSL of the matrix row of a submatrix row, if K is contiguous. */
  readonly row?: (row: string) => string;
  /** Row stride in elements; default: K. */
  readonly stride?: number;
  /** First value of K. */
  readonly skip?: number;
  /** Forces a binding of type array<f32>, whatever the sizes. */
  readonly narrow?: boolean;
}

/** Whether the operand is read four elements at a time. */
export const vec4 = (o: Operand): boolean =>
  !(o.part?.narrow ?? false) && (o.along ? o.size : o.k) % 4 === 0;

const bufferOf = ({ name, buffer }: Operand): string => buffer ?? name;

/** `at` plus a number of elements, in WGSL. */
export const plusWgsl = (at: string, n: number): string => n === 0 ? at : `${at} + ${n}u`;

/** WGSL declaration of an operand's binding. */
export function declareOperand(o: Operand, binding: number): string {
  const type = vec4(o) ? "array<vec4<f32>>" : "array<f32>";
  return `@group(0) @binding(${binding}) var<storage, read> ${bufferOf(o)}: ${type};`;
}

/** Clamps rows beyond the edge to the last row: their sums are not stored. */
function clamped(o: Operand, offset: number, size: number): string {
  const at = plusWgsl(o.first, offset);
  return size % o.tile === 0 ? at : `min(${at}, ${size - 1}u)`;
}

/** Statements before the loop: base addresses of the tile's rows. */
export function bases(o: Operand): string[] {
  const start = o.start === undefined ? "" : ` + ${o.start}`;
  if (!o.along) {
    const { row = (at: string) => at, stride = o.k, skip = 0 } = o.part ?? {};
    const width = vec4(o) ? 4 : 1;
    return range(o.tile).map((i) => {
      const at = `(${row(clamped(o, i, o.size))}) * ${stride / width}u`;
      return `let ${o.name}r${i} = ${plusWgsl(at, skip / width)}${start};`;
    });
  }
  if (!vec4(o)) {
    return range(o.tile).map((i) => `let ${o.name}r${i} = ${clamped(o, i, o.size)}${start};`);
  }
  return range(o.tile / 4).map((q) => {
    const at = q === 0 ? `${o.first} / 4u` : `${o.first} / 4u + ${q}u`;
    const edge = o.size % o.tile === 0 ? at : `min(${at}, ${o.size / 4 - 1}u)`;
    return `let ${o.name}r${q} = ${edge}${start};`;
  });
}

/** Statements that load `steps` values of K for the whole tile; `k` is a WGSL u32. */
export function loads(o: Operand, k: string, steps: number): string[] {
  const { name } = o;
  const buffer = bufferOf(o);
  if (!o.along) {
    if (vec4(o)) {
      return range(o.tile).map((i) => `let ${name}${i} = ${buffer}[${name}r${i} + ${k} / 4u];`);
    }
    return range(o.tile).map((i) => {
      const words = range(4).map((s) =>
        s < steps ? `${buffer}[${name}r${i} + ${k} + ${s}u]` : "0.0f"
      );
      return `let ${name}${i} = vec4<f32>(${words.join(", ")});`;
    });
  }
  return range(steps).flatMap((s) => {
    const row = s + (o.part?.skip ?? 0);
    if (vec4(o)) {
      return range(o.tile / 4).map((q) =>
        `let ${name}${s}_${q} = ${buffer}[(${k} + ${row}u) * ${o.size / 4}u + ${name}r${q}];`
      );
    }
    return range(o.tile / 4).map((q) => {
      const words = range(4).map((i) =>
        `${buffer}[(${k} + ${row}u) * ${o.size}u + ${name}r${4 * q + i}]`
      );
      return `let ${name}${s}_${q} = vec4<f32>(${words.join(", ")});`;
    });
  });
}

const LANES = ["x", "y", "z", "w"] as const;
const lane = (i: number): string => LANES[i & 3] as string;

/** Element `i` of the tile at step `s` of K. */
function element(o: Operand, i: number, s: number): string {
  return o.along ? `${o.name}${s}_${i >> 2}.${lane(i)}` : `${o.name}${i}.${lane(s)}`;
}

/** Four adjacent elements of the tile at step `s` of K. */
function quad(o: Operand, q: number, s: number): string {
  if (o.along) return `${o.name}${s}_${q}`;
  return `vec4<f32>(${range(4).map((i) => element(o, 4 * q + i, s)).join(", ")})`;
}

/** Name of the sum of a row and a quad of columns. */
export type SumName = (row: number, quad: number) => string;

/** Statements that accumulate the outer products of loaded operands. */
export function products(
  a: Operand,
  b: Operand,
  { steps, sum, lanes = 1 }: { steps: number; sum: SumName; lanes?: number | undefined },
): string[] {
  const quads = range(b.tile / 4);
  const held = (i: number, s: number) => element(a, i % a.tile, s);
  const from = (i: number) => Math.floor(i / a.tile);
  return range(steps).flatMap((s) => [
    ...quads.map((q) => `let v${s}_${q} = ${quad(b, q, s)};`),
    ...range(lanes * a.tile).flatMap((i) => [
      ...lanes === 1 ? [] : [`let u${s}_${i} = subgroupBroadcast(${held(i, s)}, ${from(i)}u);`],
      ...quads.map((q) =>
        `${sum(i, q)} += ${lanes === 1 ? held(i, s) : `u${s}_${i}`} * v${s}_${q};`
      ),
    ]),
  ]);
}

/** The statements of one iteration over K. */
function round(
  a: Operand,
  b: Operand,
  { k, steps, lanes }: { k: string; steps: number; lanes: number | undefined },
): string[] {
  const sum: SumName = (i, q) => `c${i}_${q}`;
  return [...loads(a, k, steps), ...loads(b, k, steps), ...products(a, b, { steps, sum, lanes })];
}

/** Origin `m0`, `n0` of an invocation's tile in C, and the clamped origins of its loads. */
function tileOrigin(kernel: MatmulKernel): string[] {
  const { m, n, tile: [tm, tn], group: [gx, gy], lanes, slices } = kernel;
  if (slices !== undefined) return slicedTileOrigin(kernel, slices);
  if (lanes === undefined) {
    return [
      `let n0 = (wid.x * ${gx}u + lid.x) * ${tn}u;`,
      `let m0 = (wid.y * ${gy}u + lid.y) * ${tm}u;`,
      `if (n0 >= ${n}u || m0 >= ${m}u) { return; }`,
    ];
  }
  // A lane beyond the edge does not exit: it broadcasts rows of A. It loads the last tile instead.
  const rows = tm / lanes;
  return [
    `let n0 = (wid.x * ${lanes}u + lane) * ${tn}u;`,
    `let m0 = wid.y * ${tm}u;`,
    `let nb = ${inside("n0", n, tn)};`,
    `let ma = ${inside(`m0 + lane * ${rows}u`, m, rows)};`,
  ];
}

/** `at` clamped to the last tile, if tiles divide `size`; else the loads clamp each element. */
export function inside(at: string, size: number, tile: number): string {
  return size % tile === 0 ? `min(${at}, ${size - tile}u)` : at;
}

/**
 * The same with sliced K. Adjacent invocations take adjacent elements of B, so that loads coalesce:
 * columns, or slices of K if B is stored [N, K]. None exits early: all must reach the barriers.
 */
function slicedTileOrigin(
  { m, n, tb, tile: [tm, tn], group: [gx, gy] }: MatmulKernel,
  slices: number,
): string[] {
  const [slice, at] = tb
    ? [`lid % ${slices}u`, `(lid / ${slices}u)`]
    : [`lid / ${gx * gy}u`, `(lid % ${gx * gy}u)`];
  return [
    `let slice = ${slice};`,
    `let lx = ${at} % ${gx}u;`,
    `let ly = ${at} / ${gx}u;`,
    `let n0 = (wid.x * ${gx}u + lx) * ${tn}u;`,
    `let m0 = (wid.y * ${gy}u + ly) * ${tm}u;`,
    `let nb = ${inside("n0", n, tn)};`,
    `let ma = ${inside("m0", m, tm)};`,
  ];
}

/** The operand of the workgroup's matrix in a stack, if the kernel is batched. */
function stacked(o: Operand, batch: string | undefined): Operand {
  const items = o.size * o.k / (vec4(o) ? 4 : 1);
  return batch === undefined ? o : { ...o, start: `${batch} * ${items}u` };
}

/**
 * Bindings of A and B, and the body that computes a tile (or its slice) in vec4s `c<row>_<quad>`.
 */
export function printMatmul(kernel: MatmulKernel): { head: string; body: string } {
  const { m, n, k, ta, tb, tile: [tm, tn], lanes, slices = 1 } = kernel;
  const [ma, nb] = lanes === undefined && slices === 1 ? ["m0", "n0"] : ["ma", "nb"];
  const rows = tm / (lanes ?? 1);
  const a = stacked({ name: "a", size: m, k, along: ta, first: ma, tile: rows }, kernel.batch);
  const right = kernel.batchB ?? kernel.batch;
  const b = stacked({ name: "b", size: n, k, along: !tb, first: nb, tile: tn }, right);
  const whole = k - (k % 4);
  const { initialSum = () => "vec4<f32>()" } = kernel;
  const sums = range(tm).flatMap((i) =>
    range(tn / 4).map((q) => `var c${i}_${q} = ${initialSum(i, q)};`)
  );
  const loop = whole === 0 ? [] : [
    `for (var k = ${slices === 1 ? "0u" : "4u * slice"}; k < ${whole}u; k += ${4 * slices}u) {`,
    ...round(a, b, { k: "k", steps: 4, lanes }).map((line) => "  " + line),
    "}",
  ];
  const rest = k === whole ? [] : [
    slices === 1 ? "{" : `if (slice == ${whole / 4 % slices}u) {`,
    ...round(a, b, { k: `${whole}u`, steps: k - whole, lanes }).map((line) => "  " + line),
    "}",
  ];
  const body = [
    ...tileOrigin(kernel),
    ...bases(a),
    ...bases(b),
    ...sums,
    ...loop,
    ...rest,
  ].map((line) => "  " + line).join("\n");
  return { head: [declareOperand(a, 0), declareOperand(b, 1)].join("\n") + "\n", body };
}
