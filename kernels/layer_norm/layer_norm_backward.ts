/**
 * Gradients of layer_norm. x [..., D], gamma [D], mean [R], rstd [R], dy [..., D] -> dx [..., D],
 * dgamma [D], dbeta [D]. The latter two are sums over rows, in strips of fixed length, with partial
 * sums [strips, 2, D] as a scratch output.
 */
import type { Shape } from "../../src/base/shape.ts";
import { ceilDiv, sameShape, showShape, sizeOf } from "../../src/base/shape.ts";
import type { Case, Io, Launch, Op, Spec, Target, View } from "../../src/graph/types.ts";
import { linearGroups, linearHead } from "../../src/graph/wgsl.ts";
import dxWgsl from "./layer_norm_dx.wgsl" with { type: "text" };
import { printNormBackward } from "./layer_norm_wgsl.ts";
import { layerNormBackwardKernel } from "../emit/norm_backward_wasm.ts";
import { itemWgsl, itemWidth, rowKernel } from "../emit/rows.ts";
import { threadTeam } from "../emit/teams.ts";

/** Rows per strip. */
const STRIP = 16;

function sizes(x: Spec): { rows: number; columns: number; strips: number } {
  const columns = x.shape.at(-1) ?? 1;
  const rows = sizeOf(x.shape) / columns;
  return { rows, columns, strips: ceilDiv(rows, STRIP) };
}

/** Partial sums of dgamma and dbeta: one item of one strip per invocation. */
function stripsWgsl(x: Spec, groups: Launch["groups"]): string {
  const { rows, columns, strips } = sizes(x);
  const items = columns / itemWidth(columns);
  return `${itemWgsl(itemWidth(columns))}
@group(0) @binding(0) var<storage, read> x: array<Item>;
@group(0) @binding(1) var<storage, read> means: array<f32>;
@group(0) @binding(2) var<storage, read> rstds: array<f32>;
@group(0) @binding(3) var<storage, read> dy: array<Item>;
@group(0) @binding(4) var<storage, read_write> partial: array<Item>;
${linearHead(strips * items, groups)}
  let item = i % ${items}u;
  let strip = i / ${items}u;
  let last = min((strip + 1u) * ${STRIP}u, ${rows}u);
  var scale = Item();
  var shift = Item();
  for (var row = strip * ${STRIP}u; row < last; row++) {
    let d = dy[row * ${items}u + item];
    scale += d * ((x[row * ${items}u + item] - means[row]) * rstds[row]);
    shift += d;
  }
  partial[2u * strip * ${items}u + item] = scale;
  partial[(2u * strip + 1u) * ${items}u + item] = shift;
}
`;
}

/** Joins the strips. */
function joinWgsl(x: Spec, groups: Launch["groups"]): string {
  const { columns, strips } = sizes(x);
  const items = columns / itemWidth(columns);
  return `${itemWgsl(itemWidth(columns))}
@group(0) @binding(0) var<storage, read> partial: array<Item>;
@group(0) @binding(1) var<storage, read_write> dgamma: array<Item>;
@group(0) @binding(2) var<storage, read_write> dbeta: array<Item>;
${linearHead(items, groups)}
  var scale = Item();
  var shift = Item();
  for (var strip = 0u; strip < ${strips}u; strip++) {
    scale += partial[2u * strip * ${items}u + i];
    shift += partial[(2u * strip + 1u) * ${items}u + i];
  }
  dgamma[i] = scale;
  dbeta[i] = shift;
}
`;
}

function launch({ inputs: [x] }: Io<Spec>, target: Target): Launch[] {
  if (!x) return [];
  const { rows, columns, strips } = sizes(x);
  const items = columns / itemWidth(columns);
  const joining = linearGroups(items, target.groups);
  const join: Launch = {
    wgsl: joinWgsl(x, joining),
    bindings: [{ output: 3 }, { output: 1 }, { output: 2 }],
    groups: joining,
  };
  const team = threadTeam({ rows, columns, strip: STRIP }, target);
  if (team !== undefined) {
    const inputs = [0, 1, 2, 3, 4].map((input) => ({ input }));
    const bindings = [...inputs, { output: 0 }, { output: 3 }];
    return [{ wgsl: printNormBackward(team), bindings, groups: team.groups }, join];
  }
  const { prelude, groups } = rowKernel(rows, columns, target);
  const inStrips = linearGroups(strips * items, target.groups);
  return [
    {
      wgsl: prelude + dxWgsl,
      bindings: [...[0, 1, 2, 3, 4].map((input) => ({ input })), { output: 0 }],
      groups,
    },
    {
      wgsl: stripsWgsl(x, inStrips),
      bindings: [...[0, 2, 3, 4].map((input) => ({ input })), { output: 3 }],
      groups: inStrips,
    },
    join,
  ];
}

function reference({ inputs, outputs }: Io<View>): void {
  const [x, gamma, means, rstds, dy] = inputs.map((v) => v.data);
  const [dx, dgamma, dbeta, partial] = outputs.map((v) => v.data);
  if (!x || !gamma || !means || !rstds || !dy || !dx || !dgamma || !dbeta || !partial) return;
  const columns = gamma.length;
  partial.fill(0);
  dgamma.fill(0);
  dbeta.fill(0);
  for (let row = 0; row < means.length; row++) {
    const n = (c: number) =>
      ((x[row * columns + c] as number) - (means[row] as number)) * (rstds[row] as number);
    const d = (c: number) => dy[row * columns + c] as number;
    let plain = 0;
    let along = 0;
    for (let c = 0; c < columns; c++) {
      plain += d(c) * (gamma[c] as number) / columns;
      along += d(c) * (gamma[c] as number) * n(c) / columns;
    }
    for (let c = 0; c < columns; c++) {
      const g = d(c) * (gamma[c] as number);
      dx[row * columns + c] = (rstds[row] as number) * (g - plain - n(c) * along);
      const at = 2 * Math.floor(row / STRIP) * columns + c;
      (partial[at] as number) += d(c) * n(c);
      (partial[at + columns] as number) += d(c);
      (dgamma[c] as number) += d(c) * n(c);
      (dbeta[c] as number) += d(c);
    }
  }
}

/** The op: outputs dx, dgamma, dbeta and the scratch. */
export const layerNormBackwardOp: Op = {
  name: "layer_norm_backward",
  shape([x, gamma, mean, rstd, dy]) {
    if (!x || !gamma || !mean || !rstd || !dy) {
      throw new RangeError("Cannot layer_norm_backward: it takes five inputs");
    }
    const { rows, columns, strips } = sizes(x);
    const needed: readonly [string, Spec, Shape][] = [
      ["gamma", gamma, [columns]],
      ["mean", mean, [rows]],
      ["rstd", rstd, [rows]],
      ["dy", dy, x.shape],
    ];
    for (const [name, { shape }, want] of needed) {
      if (sameShape(shape, want)) continue;
      throw new RangeError(
        `Cannot layer_norm_backward ${showShape(x.shape)} with ${name} ${showShape(shape)}: ` +
          `its axes must be ${showShape(want)}`,
      );
    }
    return [x, gamma, gamma, { shape: [strips, 2, columns], dtype: "f32" }];
  },
  launch: (io, _, target) => launch(io, target),
  wasm: ({ inputs: [x] }) => layerNormBackwardKernel({ ...sizes(x as Spec), strip: STRIP }),
  reference,
  cost({ inputs: [x] }) {
    const { rows, columns, strips } = sizes(x as Spec);
    const n = rows * columns;
    const bytes = 4 * (5 * n + 4 * strips * columns + 3 * columns + 4 * rows);
    return { flops: 18 * n, bytes, terms: Math.max(rows, columns) + 16 };
  },
  cases: [
    ...[1, 3, 4, 5, 63, 64, 65].map((columns) => backwardCase("tile", 9, columns)),
    ...[1, STRIP - 1, STRIP, STRIP + 1].map((rows) => backwardCase("tile", rows, 32)),
    backwardCase("ragged", 3, 15, 77),
    backwardCase("ragged", 11, 1028),
    backwardCase("bench", 2048, 256),
  ],
};

function backwardCase(kind: Case["kind"], ...shape: number[]): Case {
  const f32 = (...shape: number[]): Spec => ({ shape, dtype: "f32" });
  const x = f32(...shape);
  const { rows, columns } = sizes(x);
  return {
    kind,
    inputs: [x, f32(columns), f32(rows), f32(rows), x],
    range: { 2: [-0.2, 0.2], 3: [0.5, 2] },
    attrs: {},
  };
}
