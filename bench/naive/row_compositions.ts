/** Naive reductions and normalisations of rows: one thread per row, several passes. */
import type { RmsNormAttrs } from "../../kernels/rms_norm/mod.ts";
import { sizeOf } from "../../src/base/shape.ts";
import type { Binding, Launch, Spec, Target } from "../../src/graph/types.ts";
import { linearGroups, linearHead } from "../../src/graph/wgsl.ts";
import type { Twin } from "./twin.ts";

/** A dispatch over `n` threads of index i; bindings are the named inputs, then the named outputs. */
export function threadsOver(
  n: number,
  { inputs, outputs, body }: {
    inputs: Readonly<Record<string, number>>;
    outputs: Readonly<Record<string, number>>;
    body: string;
  },
  { groups: limit }: Target,
): Launch {
  const groups = linearGroups(n, limit);
  const bindings: Binding[] = [
    ...Object.values(inputs).map((input) => ({ input })),
    ...Object.values(outputs).map((output) => ({ output })),
  ];
  const names = [...Object.keys(inputs), ...Object.keys(outputs)];
  const declared = names.map((name, at) => {
    const access = name in inputs ? "read" : "read_write";
    return `@group(0) @binding(${at}) var<storage, ${access}> ${name}: array<f32>;`;
  });
  const wgsl = `${declared.join("\n")}\n${linearHead(n, groups)}\n${body}\n}\n`;
  return { wgsl, bindings, groups };
}

const rowsOf = ({ shape }: Spec): number => sizeOf(shape) / (shape.at(-1) as number);

/** One thread per row of x [..., D], by WGSL over its length C and first element `at`. */
function rowTwin(body: string): Twin {
  return {
    fills: [0],
    launch({ inputs: [x] }, _, target) {
      const spec = x as Spec;
      const head = `const C = ${spec.shape.at(-1)}u; let at = i * C;`;
      const text = `${head}\n${body}`;
      return [threadsOver(
        rowsOf(spec),
        { inputs: { x: 0 }, outputs: { y: 0 }, body: text },
        target,
      )];
    },
  };
}

const TOTAL = "var total = 0.0f; for (var c = 0u; c < C; c++) { total += x[at + c]; }";
const TOP = "var top = x[at]; for (var c = 1u; c < C; c++) { top = max(top, x[at + c]); }";
const EXPS = `${TOP}
  var total = 0.0f; for (var c = 0u; c < C; c++) { total += exp(x[at + c] - top); }`;

/** One thread per row. */
export const rowSumTwin = rowTwin(`${TOTAL} y[i] = total;`);

/** One thread per row. */
export const rowMaxTwin = rowTwin(`${TOP} y[i] = top;`);

/** One thread per row. */
export const rowMeanTwin = rowTwin(`${TOTAL} y[i] = total / f32(C);`);

/** One thread per row, in two passes. */
export const rowVarianceTwin = rowTwin(`${TOTAL} let mean = total / f32(C);
  var squares = 0.0f;
  for (var c = 0u; c < C; c++) { let d = x[at + c] - mean; squares += d * d; }
  y[i] = squares / f32(C);`);

/** One thread per row, in three passes. */
export const softmaxTwin = rowTwin(`${EXPS}
  for (var c = 0u; c < C; c++) { y[at + c] = exp(x[at + c] - top) / total; }`);

/** One thread per row, in three passes. */
export const logSoftmaxTwin = rowTwin(`${EXPS}
  let lse = top + log(total);
  for (var c = 0u; c < C; c++) { y[at + c] = x[at + c] - lse; }`);

/** One thread per row of y and dy, by WGSL. */
function rowGradientTwin(body: string): Twin {
  return {
    fills: [0],
    launch({ inputs: [y] }, _, target) {
      const spec = y as Spec;
      const head = `const C = ${spec.shape.at(-1)}u; let at = i * C; var total = 0.0f;`;
      const io = { inputs: { y: 0, dy: 1 }, outputs: { dx: 0 }, body: `${head}\n${body}` };
      return [threadsOver(rowsOf(spec), io, target)];
    },
  };
}

/** One thread per row, in two passes. */
export const softmaxBackwardTwin = rowGradientTwin(
  `for (var c = 0u; c < C; c++) { total += y[at + c] * dy[at + c]; }
  for (var c = 0u; c < C; c++) { dx[at + c] = y[at + c] * (dy[at + c] - total); }`,
);

/** One thread per row, in two passes. */
export const logSoftmaxBackwardTwin = rowGradientTwin(
  `for (var c = 0u; c < C; c++) { total += dy[at + c]; }
  for (var c = 0u; c < C; c++) { dx[at + c] = dy[at + c] - exp(y[at + c]) * total; }`,
);

/** One thread per element of the result. */
export const swigluTwin: Twin = {
  fills: [0],
  launch({ outputs: [y] }, _, target) {
    const { shape } = y as Spec;
    const body = `const D = ${shape.at(-1)}u; let at = i / D * 2u * D + i % D;
  let gate = x[at];
  y[i] = gate / (1.0f + exp(-gate)) * x[at + D];`;
    return [threadsOver(sizeOf(shape), { inputs: { x: 0 }, outputs: { y: 0 }, body }, target)];
  },
};

/** One thread per element of the result. */
export const broadcastLastTwin: Twin = {
  fills: [0],
  launch({ outputs: [y] }, _, target) {
    const { shape } = y as Spec;
    const body = `y[i] = x[i / ${shape.at(-1)}u];`;
    return [threadsOver(sizeOf(shape), { inputs: { x: 0 }, outputs: { y: 0 }, body }, target)];
  },
};

/** One thread per row. */
export const rmsNormTwin: Twin = {
  fills: [0, 1],
  launch({ inputs: [x] }, { eps }: RmsNormAttrs, target) {
    const spec = x as Spec;
    const body = `const C = ${spec.shape.at(-1)}u; let at = i * C;
  var squares = 0.0f;
  for (var c = 0u; c < C; c++) { squares += x[at + c] * x[at + c]; }
  let rstd = 1.0f / sqrt(squares / f32(C) + ${eps}f);
  for (var c = 0u; c < C; c++) { y[at + c] = x[at + c] * rstd * gain[c]; }
  rstds[i] = rstd;`;
    const io = { inputs: { x: 0, gain: 1 }, outputs: { y: 0, rstds: 1 }, body };
    return [threadsOver(rowsOf(spec), io, target)];
  },
};

/** One thread per row for dx, one per column for dgain. */
export const rmsNormBackwardTwin: Twin = {
  fills: [0, 1],
  launch({ inputs: [x] }, _, target) {
    const spec = x as Spec;
    const [rows, columns] = [rowsOf(spec), spec.shape.at(-1) as number];
    const dx = `const C = ${columns}u; let at = i * C; let rstd = rstds[i];
  var along = 0.0f;
  for (var c = 0u; c < C; c++) { along += dy[at + c] * gain[c] * x[at + c] * rstd; }
  along /= f32(C);
  for (var c = 0u; c < C; c++) {
    dx[at + c] = rstd * (dy[at + c] * gain[c] - x[at + c] * rstd * along);
  }`;
    const dgain = `const C = ${columns}u;
  var total = 0.0f;
  for (var r = 0u; r < ${rows}u; r++) { total += dy[r * C + i] * x[r * C + i] * rstds[r]; }
  dgain[i] = total;`;
    const inputs = { x: 0, rstds: 2, dy: 3 };
    const all = { ...inputs, gain: 1 };
    return [
      threadsOver(rows, { inputs: all, outputs: { dx: 0 }, body: dx }, target),
      threadsOver(columns, { inputs, outputs: { dgain: 1 }, body: dgain }, target),
    ];
  },
};
