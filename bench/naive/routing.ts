/** Naive kernels of mixtures of experts: one thread per result, or one for all. */
import type {
  ExpertRowsAttrs,
  GroupedMatmulAttrs,
  GroupedMatmulBackwardAttrs,
  TopKAttrs,
} from "../../kernels/routing/mod.ts";
import { sizeOf } from "../../src/base/shape.ts";
import type { Spec } from "../../src/graph/types.ts";
import { linearGroups, linearHead } from "../../src/graph/wgsl.ts";
import type { Twin } from "./twin.ts";

const size = (spec: Spec | undefined): number => sizeOf(spec?.shape ?? []);

/** One thread per choice, which ranks every column of its row. */
export const topKTwin: Twin = {
  fills: [0, 1],
  launch: ({ inputs: [x], outputs: [chosen] }, { count }: TopKAttrs, target) => {
    const columns = x?.shape.at(-1) ?? 1;
    const n = size(chosen);
    const groups = linearGroups(n, target.groups);
    const wgsl = `@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> chosen: array<u32>;
@group(0) @binding(2) var<storage, read_write> elements: array<u32>;
${linearHead(n, groups)}
  let first = i / ${count}u * ${columns}u;
  for (var c = 0u; c < ${columns}u; c++) {
    var rank = 0u;
    for (var other = 0u; other < ${columns}u; other++) {
      let a = x[first + other];
      let b = x[first + c];
      if (a > b || (a == b && other < c)) { rank++; }
    }
    if (rank == i % ${count}u) {
      chosen[i] = c;
      elements[i] = first + c;
    }
  }
}
`;
    return [{ wgsl, bindings: [{ input: 0 }, { output: 0 }, { output: 1 }], groups }];
  },
};

/** One thread, which reads all choices once per expert. */
export const expertRowsTwin: Twin = {
  fills: [0, 1, 2, 3, 4],
  launch: ({ inputs: [, ids], outputs: [, , tokens] }, attrs: ExpertRowsAttrs) => {
    const { experts, tile, capacity = size(ids) } = attrs;
    const [choices, perToken, rows] = [size(ids), ids?.shape.at(-1) ?? 1, size(tokens)];
    const wgsl = `@group(0) @binding(0) var<storage, read> ids: array<u32>;
@group(0) @binding(1) var<storage, read_write> rows: array<u32>;
@group(0) @binding(2) var<storage, read_write> kept: array<f32>;
@group(0) @binding(3) var<storage, read_write> tokens: array<u32>;
@group(0) @binding(4) var<storage, read_write> groups: array<u32>;
@group(0) @binding(5) var<storage, read_write> counts: array<f32>;

@compute @workgroup_size(1)
fn main() {
  for (var row = 0u; row < ${rows}u; row++) {
    tokens[row] = row % ${choices / perToken}u;
    groups[row / ${tile}u] = ${experts - 1}u;
  }
  var start = 0u;
  for (var expert = 0u; expert < ${experts}u; expert++) {
    var rank = 0u;
    var count = 0u;
    for (var choice = 0u; choice < ${choices}u; choice++) {
      if (ids[choice] != expert) { continue; }
      count++;
      rows[choice] = 0u;
      kept[choice] = 0.0f;
      if (rank == ${capacity}u) { continue; }
      rows[choice] = start + rank;
      kept[choice] = 1.0f;
      tokens[start + rank] = choice / ${perToken}u;
      groups[(start + rank) / ${tile}u] = expert;
      rank++;
    }
    counts[expert] = f32(count);
    start += (rank + ${tile - 1}u) / ${tile}u * ${tile}u;
  }
}
`;
    const outputs = [0, 1, 2, 3, 4].map((output) => ({ output }));
    return [{ wgsl, bindings: [{ input: 1 }, ...outputs], groups: [1, 1, 1] }];
  },
};

/** One thread per element. */
export const groupedMatmulTwin: Twin = {
  fills: [0],
  launch: ({ inputs: [x, w, tiles], outputs: [y] }, { tb }: GroupedMatmulAttrs, target) => {
    const [k, n] = [x?.shape.at(-1) ?? 1, y?.shape.at(-1) ?? 1];
    const rows = (x?.shape[0] ?? 1) / size(tiles);
    const groups = linearGroups(size(y), target.groups);
    const element = tb ? `i % ${n}u * ${k}u + j` : `j * ${n}u + i % ${n}u`;
    const wgsl = `@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(2) var<storage, read> groups: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
${linearHead(size(y), groups)}
  let row = i / ${n}u;
  let first = groups[row / ${rows}u] * ${size(w) / (w?.shape[0] ?? 1)}u;
  var total = 0.0f;
  for (var j = 0u; j < ${k}u; j++) { total += x[row * ${k}u + j] * w[first + ${element}]; }
  y[i] = total;
}
`;
    const bindings = [{ input: 0 }, { input: 1 }, { input: 2 }, { output: 0 }];
    return [{ wgsl, bindings, groups }];
  },
};

/** One thread per element of a matrix, which looks at every row. */
export const groupedMatmulBackwardTwin: Twin = {
  fills: [0],
  launch: (
    { inputs: [x, dy, tiles], outputs: [dw] },
    { matrices }: GroupedMatmulBackwardAttrs,
    target,
  ) => {
    const [k, n, all] = [x?.shape.at(-1) ?? 1, dy?.shape.at(-1) ?? 1, x?.shape[0] ?? 1];
    const groups = linearGroups(size(dw), target.groups);
    const matrix = size(dw) / matrices;
    const wgsl = `@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read> groups: array<u32>;
@group(0) @binding(3) var<storage, read_write> dw: array<f32>;
${linearHead(size(dw), groups)}
  var total = 0.0f;
  for (var row = 0u; row < ${all}u; row++) {
    if (groups[row / ${all / size(tiles)}u] != i / ${matrix}u) { continue; }
    total += x[row * ${k}u + i / ${n}u % ${k}u] * dy[row * ${n}u + i % ${n}u];
  }
  dw[i] = total;
}
`;
    const bindings = [{ input: 0 }, { input: 1 }, { input: 2 }, { output: 0 }];
    return [{ wgsl, bindings, groups }];
  },
};
