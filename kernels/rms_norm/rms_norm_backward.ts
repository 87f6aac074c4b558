/**
 * Gradients of rms_norm. x [..., D], gain [D], rstd [..., 1], dy [..., D] -> dx [..., D], dgain [D].
 * The latter is a sum over rows, in strips of fixed length, with partial sums [strips, D] as a
 * scratch output.
 */
import type { Shape } from "../../src/base/shape.ts";
import { ceilDiv, sameShape, showShape } from "../../src/base/shape.ts";
import type { Case, Io, Launch, Op, Spec, Target, View } from "../../src/graph/types.ts";
import { linearGroups, linearHead } from "../../src/graph/wgsl.ts";
import { rmsNormBackwardKernel } from "../emit/norm_backward_wasm.ts";
import { itemWgsl, itemWidth, rowKernel } from "../emit/rows.ts";
import { threadTeam } from "../emit/teams.ts";
import { rowSizes } from "../reduce/row_sizes.ts";
import dxWgsl from "./rms_norm_dx.wgsl" with { type: "text" };
import { printRmsNormBackward } from "./rms_norm_wgsl.ts";

/** Rows per strip. */
const STRIP = 16;

function sizes(x: Spec): { rows: number; columns: number; strips: number } {
  const { rows, columns } = rowSizes(x);
  return { rows, columns, strips: ceilDiv(rows, STRIP) };
}

/** Partial sums of dgain: one item of one strip per invocation. */
function stripsWgsl(x: Spec, groups: Launch["groups"]): string {
  const { rows, columns, strips } = sizes(x);
  const items = columns / itemWidth(columns);
  return `${itemWgsl(itemWidth(columns))}
@group(0) @binding(0) var<storage, read> x: array<Item>;
@group(0) @binding(1) var<storage, read> rstds: array<f32>;
@group(0) @binding(2) var<storage, read> dy: array<Item>;
@group(0) @binding(3) var<storage, read_write> partial: array<Item>;
${linearHead(strips * items, groups)}
  let item = i % ${items}u;
  let strip = i / ${items}u;
  let last = min((strip + 1u) * ${STRIP}u, ${rows}u);
  var scale = Item();
  for (var row = strip * ${STRIP}u; row < last; row++) {
    scale += dy[row * ${items}u + item] * (x[row * ${items}u + item] * rstds[row]);
  }
  partial[i] = scale;
}
`;
}

/** Joins the strips. */
function joinWgsl(x: Spec, groups: Launch["groups"]): string {
  const { columns, strips } = sizes(x);
  const items = columns / itemWidth(columns);
  return `${itemWgsl(itemWidth(columns))}
@group(0) @binding(0) var<storage, read> partial: array<Item>;
@group(0) @binding(1) var<storage, read_write> dgain: array<Item>;
${linearHead(items, groups)}
  var scale = Item();
  for (var strip = 0u; strip < ${strips}u; strip++) { scale += partial[strip * ${items}u + i]; }
  dgain[i] = scale;
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
    bindings: [{ output: 2 }, { output: 1 }],
    groups: joining,
  };
  const inputs = [0, 1, 2, 3].map((input) => ({ input }));
  const team = threadTeam({ rows, columns, strip: STRIP }, target);
  if (team !== undefined) {
    const bindings = [...inputs, { output: 0 }, { output: 2 }];
    return [{ wgsl: printRmsNormBackward(team), bindings, groups: team.groups }, join];
  }
  const { prelude, groups } = rowKernel(rows, columns, target);
  const inStrips = linearGroups(strips * items, target.groups);
  return [
    { wgsl: prelude + dxWgsl, bindings: [...inputs, { output: 0 }], groups },
    {
      wgsl: stripsWgsl(x, inStrips),
      bindings: [...[0, 2, 3].map((input) => ({ input })), { output: 2 }],
      groups: inStrips,
    },
    join,
  ];
}

function reference({ inputs, outputs }: Io<View>): void {
  const [x, gain, rstds, dy] = inputs.map((v) => v.data);
  const [dx, dgain, partial] = outputs.map((v) => v.data);
  if (!x || !gain || !rstds || !dy || !dx || !dgain || !partial) return;
  const columns = gain.length;
  partial.fill(0);
  dgain.fill(0);
  for (let row = 0; row < rstds.length; row++) {
    const rstd = rstds[row] as number;
    const d = (c: number) => dy[row * columns + c] as number;
    const n = (c: number) => (x[row * columns + c] as number) * rstd;
    let along = 0;
    for (let c = 0; c < columns; c++) along += d(c) * (gain[c] as number) * n(c) / columns;
    for (let c = 0; c < columns; c++) {
      dx[row * columns + c] = rstd * (d(c) * (gain[c] as number) - n(c) * along);
      (partial[Math.floor(row / STRIP) * columns + c] as number) += d(c) * n(c);
      (dgain[c] as number) += d(c) * n(c);
    }
  }
}

/** The op: outputs dx, dgain and the scratch. */
export const rmsNormBackwardOp: Op = {
  name: "rms_norm_backward",
  shape([x, gain, rstd, dy]) {
    if (!x || !gain || !rstd || !dy) {
      throw new RangeError("Cannot rms_norm_backward: it takes four inputs");
    }
    const { columns, strips } = sizes(x);
    const needed: readonly [string, Spec, Shape][] = [
      ["gain", gain, [columns]],
      ["rstd", rstd, [...x.shape.slice(0, -1), 1]],
      ["dy", dy, x.shape],
    ];
    for (const [name, { shape }, want] of needed) {
      if (sameShape(shape, want)) continue;
      throw new RangeError(
        `Cannot rms_norm_backward ${showShape(x.shape)} with ${name} ${showShape(shape)}: ` +
          `its axes must be ${showShape(want)}`,
      );
    }
    return [x, gain, { shape: [strips, columns], dtype: "f32" }];
  },
  launch: (io, _, target) => launch(io, target),
  wasm: ({ inputs: [x] }) => rmsNormBackwardKernel({ ...sizes(x as Spec), strip: STRIP }),
  reference,
  cost({ inputs: [x] }) {
    const { rows, columns, strips } = sizes(x as Spec);
    const n = rows * columns;
    const bytes = 4 * (3 * n + 2 * strips * columns + 2 * columns + rows);
    return { flops: 11 * n, bytes, terms: Math.max(rows, columns) + 16 };
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
  const [x, columns] = [f32(...shape), shape.at(-1) as number];
  return {
    kind,
    inputs: [x, f32(columns), f32(...shape.slice(0, -1), 1), x],
    range: { 2: [0.5, 2] },
    attrs: {},
  };
}
