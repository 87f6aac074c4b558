/**
 * Prints how attention's kernels read and write rows of heads, four elements (a quad) at a time.
 * What runs once stands in a loop over quads: a load is a loop over lanes to software Vulkan, and
 * unrolled ones compile for seconds. It knows no formula of attention.
 */
import { ceilDiv } from "../src/base/shape.ts";
import type { AttentionKernel } from "./attention_wgsl.ts";
import { range } from "./matmul_wgsl.ts";

/** Tokens of a head: row n begins at `<name>at<n>` of `buffer`; registers are `<name><n>_<quad>`. */
export interface Operand {
  readonly name: string;
  readonly buffer: string;
}

/** Elements of a load: heads of whole quads are read as vec4. */
export const unit = ({ width }: AttentionKernel): number => width % 4 === 0 ? 4 : 1;

/** Numbers of the quads of one head; the last may not be whole. */
export const quadsOf = ({ width }: AttentionKernel): number[] => range(ceilDiv(width, 4));

/** WGSL of the number of a token; tokens beyond the end read the last one. */
export function token(kernel: AttentionKernel, at: string, step: number): string {
  return kernel.time % step === 0 ? at : `min(${at}, ${kernel.time - 1}u)`;
}

/** Address of a token's row in qkv (`part` 0 q, 1 k, 2 v) or, without `part`, in [B, T, D]. */
export function rowAt(kernel: AttentionKernel, at: string, part?: number): string {
  const model = kernel.heads * kernel.width / unit(kernel);
  if (part === undefined) return `single + (${at}) * ${model}u`;
  return `packed + (${at}) * ${3 * model}u + ${part * model}u`;
}

/** Quad `q` of row `n`: a number, or the name of one. Elements beyond the head are 0. */
export function quad(
  { width }: { width: number },
  { name, buffer }: Operand,
  [n, q]: readonly [number, number | string],
): string {
  const row = `${name}at${n}`;
  const number = typeof q === "number" ? `${q}u` : q;
  if (width % 4 === 0) return `${buffer}[${row} + ${number}]`;
  const words = range(4).map((c) => {
    if (typeof q === "number") {
      return 4 * q + c < width ? `${buffer}[${row} + ${4 * q + c}u]` : "0.0f";
    }
    const at = `${q} * 4u + ${c}u`;
    return `select(0.0f, ${buffer}[${row} + min(${at}, ${width - 1}u)], ${at} < ${width}u)`;
  });
  return `vec4<f32>(${words.join(", ")})`;
}

/** A loop over quads, numbered `w`. */
export function eachQuad(kernel: AttentionKernel, body: readonly string[]): string[] {
  return [`for (var w = 0u; w < ${quadsOf(kernel).length}u; w++) {`, ...body, "}"];
}

/** Declares vec4 registers of `rows` rows, zero. */
export function registers(kernel: AttentionKernel, ...names: readonly string[]): string[] {
  return names.flatMap((name) =>
    range(kernel.rows).flatMap((r) =>
      quadsOf(kernel).map((q) => `var ${name}${r}_${q} = vec4<f32>();`)
    )
  );
}

/** Statements that put `value` into the register of quad `w`. */
export function keep(kernel: AttentionKernel, register: string, value: string): string[] {
  return quadsOf(kernel).map((q) =>
    `${register}_${q} = select(${register}_${q}, ${value}, w == ${q}u);`
  );
}

/** Statements that store the invocation's registers `of` times `scale(r)` as rows of `to`. */
export function storeRows(
  kernel: AttentionKernel,
  stores: readonly {
    readonly of: string;
    readonly to: Operand;
    readonly scale: (r: number) => string;
  }[],
): string[] {
  const { time, rows, width } = kernel;
  return eachQuad(
    kernel,
    range(rows).flatMap((r) =>
      stores.flatMap(({ of, to: { name, buffer }, scale }) => {
        const chosen = quadsOf(kernel).reduce(
          (x, q) => q === 0 ? `${of}${r}_0` : `select(${x}, ${of}${r}_${q}, w == ${q}u)`,
          "",
        );
        const row = `${name}at${r}`;
        const words = width % 4 === 0
          ? [`${buffer}[${row} + w] = x;`]
          : range(4).map((c) =>
            `if (w * 4u + ${c}u < ${width}u) { ${buffer}[${row} + w * 4u + ${c}u] = x[${c}]; }`
          );
        const inside = time % rows === 0 ? "" : `if (first + ${r}u < ${time}u) `;
        return [`${inside}{`, `let x = ${chosen} * ${scale(r)};`, ...words, "}"];
      })
    ),
  );
}

/**
 * Statements for dot products `<sum><r>_<c>` of the invocation's tokens `own` with the block's
 * tokens `met`. Afterwards the rows of `met` are in registers if those of `own` are.
 */
export function dots(
  kernel: AttentionKernel,
  products: readonly { readonly sum: string; readonly own: Operand; readonly met: Operand }[],
): string[] {
  const [R, C, Q] = [range(kernel.rows), range(kernel.block), quadsOf(kernel)];
  const load = (of: Operand, n: number, q: number | string) => quad(kernel, of, [n, q]);
  if (kernel.resident) {
    return products.flatMap(({ sum, own, met }) =>
      C.flatMap((c) => [
        ...Q.map((q) => `let ${met.name}${c}_${q} = ${load(met, c, q)};`),
        ...R.map((r) => {
          const terms = Q.map((q) => `dot(${own.name}${r}_${q}, ${met.name}${c}_${q})`);
          return `let ${sum}${r}_${c} = ${terms.join(" + ")};`;
        }),
      ])
    );
  }
  const round = products.flatMap(({ sum, own, met }) => [
    ...R.map((r) => `let ${own.name}${r} = ${load(own, r, "w")};`),
    ...C.map((c) => `let ${met.name}${c} = ${load(met, c, "w")};`),
    ...R.flatMap((r) => C.map((c) => `${sum}${r}_${c} += dot(${own.name}${r}, ${met.name}${c});`)),
  ]);
  const sums = products.flatMap(({ sum }) =>
    R.flatMap((r) => C.map((c) => `var ${sum}${r}_${c} = 0.0f;`))
  );
  return [...sums, ...eachQuad(kernel, round)];
}

/**
 * Statements `<to><r>_<q> = before(r, q) + sum over the block of <weight><r>_<c> times row c of
 * `met`, whose rows are in registers when it is `loaded`.
 */
export function accumulate(
  kernel: AttentionKernel,
  { to, weight, met, loaded }: { to: string; weight: string; met: Operand; loaded: boolean },
  before: (r: number, q: number) => string = (r, q) => `${to}${r}_${q}`,
): string[] {
  const [R, C] = [range(kernel.rows), range(kernel.block)];
  return quadsOf(kernel).flatMap((q) => {
    const row = (c: number) => loaded ? `${met.name}${c}_${q}` : `x${c}`;
    const loads = loaded ? [] : C.map((c) => `let x${c} = ${quad(kernel, met, [c, q])};`);
    const sums = R.map((r) => {
      const terms = C.map((c) => `${weight}${r}_${c} * ${row(c)}`);
      return `${to}${r}_${q} = ${before(r, q)} + ${terms.join(" + ")};`;
    });
    return ["{", ...loads, ...sums, "}"];
  });
}
