/**
 * Gradient of the matrices of a product by groups: x f32 [P, K], dy f32 [P, N], groups u32 [P / tile]
 * -> f32 [G, K, N]. Matrix g is the sum of x_r^T dy_r over the rows r of its tiles, in order.
 */
import { ceilDiv, showShape } from "../../src/base/shape.ts";
import type { Case, Io, Op, Spec } from "../../src/graph/types.ts";
import { I32 } from "../../src/wasm/values.ts";
import { fillColumns } from "../emit/copy_wasm.ts";
import { range } from "../emit/range.ts";
import { productKernel } from "../matmul/wasm/product.ts";

/** Number of matrices G. */
export interface GroupedMatmulBackwardAttrs {
  readonly matrices: number;
}

/** Sizes of the gradient. */
interface BackwardSizes {
  readonly tiles: number;
  /** Rows of a tile. */
  readonly rows: number;
  readonly k: number;
  readonly n: number;
}

/** Rows and columns of a matrix per invocation, and invocations along both axes. */
const [TILE, SIDE] = [4, 8];

function sizes({ inputs: [x, dy, groups] }: Pick<Io<Spec>, "inputs">): BackwardSizes {
  const [total = 0, k = 0] = x?.shape ?? [];
  const [others = 0, n = 0] = dy?.shape ?? [];
  const [tiles = 0] = groups?.shape ?? [];
  const fits = x?.shape.length === 2 && dy?.shape.length === 2 && groups?.shape.length === 1;
  if (!fits || groups.dtype !== "u32" || total !== others || total % tiles !== 0) {
    const shapes = [x, dy, groups].map((spec) => showShape(spec?.shape ?? [])).join(" ");
    throw new RangeError(
      `Cannot grouped_matmul_backward ${shapes}: need x [P, K], dy [P, N] and groups u32 [T] with T ` +
        "a divisor of P",
    );
  }
  return { tiles, rows: total / tiles, k, n };
}

/** A tile of a matrix per invocation, which adds the rows of the matrix's group. */
function wgslOf({ tiles, rows, k, n }: BackwardSizes): string {
  const at = (name: string, size: number) =>
    range(TILE).map((i) => `let ${name}${i} = min(${name} + ${i}u, ${size - 1}u);`).join(" ");
  const all = range(TILE * TILE).map((i) => [Math.floor(i / TILE), i % TILE] as const);
  return `@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read> groups: array<u32>;
@group(0) @binding(3) var<storage, read_write> dw: array<f32>;

fn tile_of(group: u32) -> u32 {
  var low = 0u;
  var high = ${tiles}u;
  while (low < high) {
    let middle = (low + high) / 2u;
    if (groups[middle] < group) { low = middle + 1u; } else { high = middle; }
  }
  return low;
}

@compute @workgroup_size(${SIDE}, ${SIDE})
fn main(@builtin(global_invocation_id) gid: vec3<u32>) {
  let n = gid.x * ${TILE}u;
  let k = gid.y * ${TILE}u;
  if (n >= ${n}u || k >= ${k}u) { return; }
  ${at("n", n)}
  ${at("k", k)}
  ${all.map(([i, j]) => `var s${i}${j} = 0.0f;`).join(" ")}
  let last = tile_of(gid.z + 1u) * ${rows}u;
  for (var r = tile_of(gid.z) * ${rows}u; r < last; r++) {
    ${range(TILE).map((i) => `let a${i} = x[r * ${k}u + k${i}];`).join(" ")}
    ${range(TILE).map((j) => `let b${j} = dy[r * ${n}u + n${j}];`).join(" ")}
    ${all.map(([i, j]) => `s${i}${j} += a${i} * b${j};`).join(" ")}
  }
  let start = gid.z * ${k * n}u;
  ${
    all.map(([i, j]) =>
      `if (k + ${i}u < ${k}u && n + ${j}u < ${n}u) { dw[start + k${i} * ${n}u + n${j}] = s${i}${j}; }`
    ).join("\n  ")
  }
}
`;
}

/** The op; the vjp of `grouped_matmul` applies it. */
export const groupedMatmulBackwardOp: Op = {
  name: "grouped_matmul_backward",
  shape(inputs, { matrices }: GroupedMatmulBackwardAttrs) {
    const { k, n } = sizes({ inputs });
    return [{ shape: [matrices, k, n], dtype: "f32" }];
  },
  launch(io, { matrices }: GroupedMatmulBackwardAttrs, _) {
    const made = sizes(io);
    const side = TILE * SIDE;
    return [{
      wgsl: wgslOf(made),
      bindings: [{ input: 0 }, { input: 1 }, { input: 2 }, { output: 0 }],
      groups: [ceilDiv(made.n, side), ceilDiv(made.k, side), matrices],
    }];
  },
  wasm: (io, { matrices }: GroupedMatmulBackwardAttrs, target) => {
    const { tiles, rows, k, n } = sizes(io);
    // Each tile adds its product onto the matrix of its group.
    const kernel = productKernel({
      product: { m: k, n, k: rows, ta: true, tb: false },
      count: tiles,
      io: { inputs: io.inputs.slice(0, 2), outputs: io.outputs },
      epilogue: undefined,
      onto: true,
      choice: {
        of: (b, { inputs: [, , groups] }, tile) =>
          groups === undefined
            ? I32.of(0)
            : b.loadIndex(b.letPointer(b.at(groups, tile.times(4))), matrices),
        what: "output",
        count: matrices,
      },
    }, target);
    return {
      ...kernel,
      print: (b, areas) => {
        const [dw] = areas.outputs;
        if (dw !== undefined) fillColumns(b, matrices * k * n, { to: b.at(dw) });
        kernel.print(b, areas);
      },
    };
  },
  reference(io, { matrices }: GroupedMatmulBackwardAttrs) {
    const { inputs: [x, dy, groups], outputs: [dw] } = io;
    if (!x || !dy || !groups || !dw) return;
    const { tiles, rows, k, n } = sizes(io);
    dw.data.fill(0);
    for (let row = 0; row < tiles * rows; row++) {
      const group = Math.min(groups.data[Math.floor(row / rows)] as number, matrices - 1);
      for (let i = 0; i < k * n; i++) {
        const left = x.data[row * k + Math.floor(i / n)] as number;
        (dw.data[group * k * n + i] as number) += left * (dy.data[row * n + i % n] as number);
      }
    }
  },
  cost(io, { matrices }: GroupedMatmulBackwardAttrs) {
    const { tiles, rows, k, n } = sizes(io);
    const words = tiles * rows * (k + n) + matrices * k * n;
    return { flops: 2 * tiles * rows * k * n, bytes: 4 * words, terms: tiles * rows };
  },
  cases: [
    backwardCase("tile", { tiles: 3, rows: 8, k: 32, n: 32, matrices: 2 }),
    backwardCase("tile", { tiles: 2, rows: 48, k: 33, n: 31, matrices: 3 }),
    backwardCase("ragged", { tiles: 5, rows: 6, k: 20, n: 37, matrices: 4 }),
    backwardCase("ragged", { tiles: 1, rows: 1, k: 3, n: 5, matrices: 2 }),
    backwardCase("bench", { tiles: 48, rows: 48, k: 64, n: 256, matrices: 8 }),
  ],
};

function backwardCase(
  kind: Case["kind"],
  { tiles, rows, k, n, matrices }: BackwardSizes & GroupedMatmulBackwardAttrs,
): Case {
  return {
    kind,
    inputs: [
      { shape: [tiles * rows, k], dtype: "f32" },
      { shape: [tiles * rows, n], dtype: "f32" },
      { shape: [tiles], dtype: "u32" },
    ],
    attrs: { matrices },
    below: { 2: matrices },
    fill: ([, , groups]) => groups?.data.sort(),
  };
}
