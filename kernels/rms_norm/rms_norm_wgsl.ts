/**
 * Prints root mean square normalisation for a thread team, forward and backward: each row is read
 * once, gain once per strip of rows.
 */
import type { ThreadTeam } from "../emit/teams.ts";
import { storeItems } from "../emit/teams.ts";

/** Statements `let <name><k> = <value(k)>;` for each item of a lane. */
function lets({ items }: ThreadTeam, name: string, value: (k: number) => string): string {
  return items.map((k) => `let ${name}${k} = ${value(k)};`).join("\n    ");
}

/** The mean over a row of `value(k)`. */
function rowMeanOf({ items, own }: ThreadTeam, value: (k: number) => string): string {
  const sum = items.map((k) => own(k, value(k))).join(" + ");
  return `across_sum(fold_sum(${sum}), lane) / f32(COLS)`;
}

/** y and each row's reciprocal root mean square: binds x, gain, y, rstds. */
export function printRmsNorm(team: ThreadTeam, { eps }: { eps: string }): string {
  const y = { buffer: "y", row: "first", value: (k: number) => `x${k} * rstd * g${k}` };
  return `${team.prelude}
@group(0) @binding(0) var<storage, read> x: array<Item>;
@group(0) @binding(1) var<storage, read> gain: array<Item>;
@group(0) @binding(2) var<storage, read_write> y: array<Item>;
@group(0) @binding(3) var<storage, read_write> rstds: array<f32>;

fn strip_main(strip: u32, begin: u32, last: u32, lane: u32) {
    ${lets(team, "g", (k) => `gain[${team.at(k)}]`)}
  for (var row = begin; row < last; row++) {
    let first = row * ITEMS;
    ${lets(team, "x", (k) => `x[first + ${team.at(k)}]`)}
    let rstd = 1.0f / sqrt(${rowMeanOf(team, (k) => `x${k} * x${k}`)} + ${eps});
    ${storeItems(team, y).join("\n    ")}
    if (lane == 0u) { rstds[row] = rstd; }
  }
}
`;
}

/** dx, and the strip's sum for dgain: binds x, gain, rstds, dy, dx, partial. */
export function printRmsNormBackward(team: ThreadTeam): string {
  const dx = {
    buffer: "dx",
    row: "first",
    value: (k: number) => `rstd * (d${k} * g${k} - n${k} * along)`,
  };
  const partial = { buffer: "partial", row: "strip * ITEMS", value: (k: number) => `scale${k}` };
  return `${team.prelude}
@group(0) @binding(0) var<storage, read> x: array<Item>;
@group(0) @binding(1) var<storage, read> gain: array<Item>;
@group(0) @binding(2) var<storage, read> rstds: array<f32>;
@group(0) @binding(3) var<storage, read> dy: array<Item>;
@group(0) @binding(4) var<storage, read_write> dx: array<Item>;
@group(0) @binding(5) var<storage, read_write> partial: array<Item>;

fn strip_main(strip: u32, begin: u32, last: u32, lane: u32) {
    ${lets(team, "g", (k) => `gain[${team.at(k)}]`)}
    ${team.items.map((k) => `var scale${k} = Item();`).join("\n    ")}
  for (var row = begin; row < last; row++) {
    let first = row * ITEMS;
    let rstd = rstds[row];
    ${lets(team, "d", (k) => `dy[first + ${team.at(k)}]`)}
    ${lets(team, "n", (k) => `x[first + ${team.at(k)}] * rstd`)}
    let along = ${rowMeanOf(team, (k) => `d${k} * g${k} * n${k}`)};
    ${storeItems(team, dx).join("\n    ")}
    ${team.items.map((k) => `scale${k} += d${k} * n${k};`).join("\n    ")}
  }
    ${storeItems(team, partial).join("\n    ")}
}
`;
}
