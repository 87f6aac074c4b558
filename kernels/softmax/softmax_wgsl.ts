/**
 * Kernels of softmax and its logarithm, forward and backward: by a thread team, which reads each row
 * once, and by one invocation or workgroup per row, for rows that a team cannot hold.
 */
import type { Binding, Launch, Target } from "../../src/graph/types.ts";
import { rowKernel } from "../emit/rows.ts";
import type { ThreadTeam } from "../emit/teams.ts";
import { storeItems, threadTeam } from "../emit/teams.ts";

/** A row-wise kernel: WGSL of expressions over the items of its inputs, which are in `v0`, `v1`. */
export interface RowFunction {
  /** Number of inputs; the output is as large as each of them. */
  readonly inputs: 1 | 2;
  /** Whether `top`, the largest element of input 0 in the row, is needed. */
  readonly top: boolean;
  /** The item whose sum over the row is `total`. */
  readonly sum: string;
  /** The item of the output, of `v0`, `v1`, `top` and `total`. */
  readonly value: string;
}

const BELOW = "exp(v0 - top)";

/** Softmax of v0. */
export const SOFTMAX: RowFunction = { inputs: 1, top: true, sum: BELOW, value: `${BELOW} / total` };

/** Logarithm of the softmax of v0. */
export const LOG_SOFTMAX: RowFunction = {
  inputs: 1,
  top: true,
  sum: BELOW,
  value: "v0 - (top + log(total))",
};

/** Gradient of softmax, of its result v0 and the gradient v1 of that. */
export const SOFTMAX_BACKWARD: RowFunction = {
  inputs: 2,
  top: false,
  sum: "v0 * v1",
  value: "v0 * (v1 - total)",
};

/** Gradient of the logarithm of softmax, of its result v0 and the gradient v1 of that. */
export const LOG_SOFTMAX_BACKWARD: RowFunction = {
  inputs: 2,
  top: false,
  sum: "v1",
  value: "v1 - exp(v0) * total",
};

/** Rows per thread team. */
const STRIP = { cpu: 16, gpu: 1 } as const;

function declarations({ inputs }: RowFunction): string {
  const read = ["x0", "x1"].slice(0, inputs).map((name, at) =>
    `@group(0) @binding(${at}) var<storage, read> ${name}: array<Item>;`
  );
  const y = `@group(0) @binding(${inputs}) var<storage, read_write> y: array<Item>;`;
  return [...read, y].join("\n");
}

/** `text` with v0 and v1 replaced by those of item `k`. */
function ofItem(text: string, k: number): string {
  return text.replaceAll(/\bv([01])\b/g, `v$1_${k}`);
}

function printByTeam(f: RowFunction, team: ThreadTeam): string {
  const { items, at, own } = team;
  const loads = items.flatMap((k) =>
    ["x0", "x1"].slice(0, f.inputs).map((x, i) => `let v${i}_${k} = ${x}[first + ${at(k)}];`)
  );
  // A lane without an item k reads the last one again, which cannot change the largest.
  const largest = items.map((k) => `v0_${k}`).reduce((a, b) => `max(${a}, ${b})`);
  const sum = items.map((k) => own(k, ofItem(f.sum, k))).join(" + ");
  return `${team.prelude}${f.top ? team.max : ""}
${declarations(f)}

fn strip_main(strip: u32, begin: u32, last: u32, lane: u32) {
  for (var row = begin; row < last; row++) {
    let first = row * ITEMS;
    ${loads.join("\n    ")}
    ${f.top ? `let top = across_max(fold_max(${largest}), lane);` : ""}
    let total = across_sum(fold_sum(${sum}), lane);
    ${
    storeItems(team, { buffer: "y", row: "first", value: (k) => ofItem(f.value, k) }).join("\n    ")
  }
  }
}
`;
}

function printByRow(f: RowFunction): string {
  const loop = (body: string) => {
    const loads = ["x0", "x1"].slice(0, f.inputs).map((x, i) => `let v${i} = ${x}[first + i];`);
    return `for (var i = lane; i < items; i += LANES) { ${loads.join(" ")} ${body} }`;
  };
  const top = `var largest = Item() - 3.4028234e38f;
  ${loop("largest = max(largest, v0);")}
  let top = across_max(fold_max(largest), lane);`;
  return `${declarations(f)}

fn row_main(row: u32, lane: u32, items: u32) {
  let first = row * ITEMS;
  ${f.top ? top : ""}
  var sums = Item();
  ${loop(`sums += ${f.sum};`)}
  let total = across_sum(fold_sum(sums), lane);
  ${loop(`y[first + i] = ${f.value};`)}
}
`;
}

/** The dispatch of a row-wise kernel over `rows` rows of `columns` elements. */
export function rowFunctionLaunch(
  f: RowFunction,
  { rows, columns }: { rows: number; columns: number },
  target: Target,
): Launch {
  const bindings: Binding[] = [{ input: 0 }, { input: 1 }].slice(0, f.inputs);
  const team = threadTeam({ rows, columns, strip: STRIP[target.kind] }, target);
  const all = [...bindings, { output: 0 }];
  if (team !== undefined) return { wgsl: printByTeam(f, team), bindings: all, groups: team.groups };
  const { prelude, groups } = rowKernel(rows, columns, target);
  return { wgsl: prelude + printByRow(f), bindings: all, groups };
}
