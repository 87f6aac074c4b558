/**
 * Prints the matmul kernel: a register tile per invocation, K unrolled by 4, vec4 loads along the
 * contiguous axis of each operand, no workgroup memory. Knows sizes and tiles, no tensors.
 * The layout that won on software Vulkan; measurements stand in bench/results.
 */
import { range } from "../emit/range.ts";

/** How a product is shared among invocations. */
export interface Tiling {
  /** Rows and columns of C that one invocation computes; multiples of 4 along a contiguous axis. */
  readonly tile: readonly [number, number];
  /** Invocations along N and M. */
  readonly group: readonly [number, number];
  /**
   * Lanes of a subgroup that share the rows of a tile: each loads its part of A, and all get every
   * element from the lane that has it. The workgroup is then one subgroup, [lanes, 1].
   */
  readonly lanes?: number;
  /** Invocations that share the sums of a tile, each its part of K; a power of two. */
  readonly slices?: number;
  /**
   * Values of K that each slice multiplies out of workgroup memory between two barriers, a multiple
   * of 4. Without it operands are read where they lie.
   */
  readonly steps?: number;
  /** The next block is fetched into registers before this one is multiplied. */
  readonly prefetch?: boolean;
}

/** Sizes and choices that a kernel is printed for: C[M, N] = op(A) op(B). */
export interface MatmulKernel extends Tiling {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** A is stored [K, M]. */
  readonly ta: boolean;
  /** B is stored [N, K]. */
  readonly tb: boolean;
  /** What a sum begins with, in WGSL; zero unless told. */
  readonly initialSum?: SumName;
}

/** One operand: its binding, where it lies, and how its elements are read. */
export interface Operand {
  /** Prefix of its registers. */
  readonly name: string;
  /** Its binding, where that is not the prefix. */
  readonly buffer?: string;
  /** Elements along the tiled axis, and the length of K. */
  readonly size: number;
  readonly k: number;
  /** The tiled axis is the contiguous one. */
  readonly along: boolean;
  /** First element of the tile, in WGSL. */
  readonly first: string;
  readonly tile: number;
  /** Where it is a part of a larger matrix. */
  readonly part?: MatmulPart;
}

/** A part of a matrix. */
export interface MatmulPart {
  /** Row of the matrix at which a row of the part lies, in WGSL; of rows of K only. */
  readonly row?: (row: string) => string;
  /** Elements from one such row to the next, K unless told. */
  readonly stride?: number;
  /** Elements of K that the part leaves out before its first. */
  readonly skip?: number;
  /** The binding is an array of f32 whatever the sizes. */
  readonly narrow?: boolean;
}

/** Whether the operand is read four elements at a time. */
export const vec4 = (o: Operand): boolean =>
  !(o.part?.narrow ?? false) && (o.along ? o.size : o.k) % 4 === 0;

const bufferOf = ({ name, buffer }: Operand): string => buffer ?? name;

/** `at` plus a number of elements, in WGSL. */
export const plusWgsl = (at: string, n: number): string => n === 0 ? at : `${at} + ${n}u`;

/** Declaration of an operand's binding. */
export function declareOperand(o: Operand, binding: number): string {
  const type = vec4(o) ? "array<vec4<f32>>" : "array<f32>";
  return `@group(0) @binding(${binding}) var<storage, read> ${bufferOf(o)}: ${type};`;
}

/** Rows beyond the edge read the last row: their sums are never stored. */
function clamped(o: Operand, offset: number, size: number): string {
  const at = plusWgsl(o.first, offset);
  return size % o.tile === 0 ? at : `min(${at}, ${size - 1}u)`;
}

/** Statements before the loop: base addresses of the tile's rows. */
export function bases(o: Operand): string[] {
  if (!o.along) {
    const { row = (at: string) => at, stride = o.k, skip = 0 } = o.part ?? {};
    const width = vec4(o) ? 4 : 1;
    return range(o.tile).map((i) => {
      const at = `(${row(clamped(o, i, o.size))}) * ${stride / width}u`;
      return `let ${o.name}r${i} = ${plusWgsl(at, skip / width)};`;
    });
  }
  if (!vec4(o)) return range(o.tile).map((i) => `let ${o.name}r${i} = ${clamped(o, i, o.size)};`);
  return range(o.tile / 4).map((q) => {
    const at = q === 0 ? `${o.first} / 4u` : `${o.first} / 4u + ${q}u`;
    const edge = o.size % o.tile === 0 ? at : `min(${at}, ${o.size / 4 - 1}u)`;
    return `let ${o.name}r${q} = ${edge};`;
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

/** Four neighbours of the tile at step `s` of K. */
function quad(o: Operand, q: number, s: number): string {
  if (o.along) return `${o.name}${s}_${q}`;
  return `vec4<f32>(${range(4).map((i) => element(o, 4 * q + i, s)).join(", ")})`;
}

/** Name of the sum of a row and a quad of columns. */
export type SumName = (row: number, quad: number) => string;

/** Statements that add the products of loaded operands to the sums. */
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

/** The statements of one round over K. */
function round(
  a: Operand,
  b: Operand,
  { k, steps, lanes }: { k: string; steps: number; lanes: number | undefined },
): string[] {
  const sum: SumName = (i, q) => `c${i}_${q}`;
  return [...loads(a, k, steps), ...loads(b, k, steps), ...products(a, b, { steps, sum, lanes })];
}

/** Where an invocation's tile begins: `m0`, `n0`, and where its operands are read. */
function places(kernel: MatmulKernel): string[] {
  const { m, n, tile: [tm, tn], group: [gx, gy], lanes, slices } = kernel;
  if (slices !== undefined) return slicePlaces(kernel, slices);
  if (lanes === undefined) {
    return [
      `let n0 = (wid.x * ${gx}u + lid.x) * ${tn}u;`,
      `let m0 = (wid.y * ${gy}u + lid.y) * ${tm}u;`,
      `if (n0 >= ${n}u || m0 >= ${m}u) { return; }`,
    ];
  }
  // A lane beyond the edge stays, for it holds rows of A that others need; it reads the last tile.
  const rows = tm / lanes;
  return [
    `let n0 = (wid.x * ${lanes}u + lane) * ${tn}u;`,
    `let m0 = wid.y * ${tm}u;`,
    `let nb = ${inside("n0", n, tn)};`,
    `let ma = ${inside(`m0 + lane * ${rows}u`, m, rows)};`,
  ];
}

/** `at`, or the last tile where whole tiles may lie beyond the edge; others clamp each element. */
export function inside(at: string, size: number, tile: number): string {
  return size % tile === 0 ? `min(${at}, ${size - tile}u)` : at;
}

/**
 * The same where slices share K. Neighbours read what lies side by side in B: columns, or, where it
 * is stored [N, K], parts of K. All stay, for they meet at the barriers.
 */
function slicePlaces(
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

/** Bindings of A and B, and the body that leaves C's tile in vec4s `c<row>_<quad>`, or its slice's. */
export function printMatmul(kernel: MatmulKernel): { head: string; body: string } {
  const { m, n, k, ta, tb, tile: [tm, tn], lanes, slices = 1 } = kernel;
  const [ma, nb] = lanes === undefined && slices === 1 ? ["m0", "n0"] : ["ma", "nb"];
  const rows = tm / (lanes ?? 1);
  const a: Operand = { name: "a", size: m, k, along: ta, first: ma, tile: rows };
  const b: Operand = { name: "b", size: n, k, along: !tb, first: nb, tile: tn };
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
    ...places(kernel),
    ...bases(a),
    ...bases(b),
    ...sums,
    ...loop,
    ...rest,
  ].map((line) => "  " + line).join("\n");
  return { head: [declareOperand(a, 0), declareOperand(b, 1)].join("\n") + "\n", body };
}
