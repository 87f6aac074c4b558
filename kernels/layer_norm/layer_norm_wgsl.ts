/**
 * Prints layer normalisation for a thread team, forward and backward: each row is read once, gamma
 * and beta once per strip of rows.
 */
import type { ThreadTeam } from "../emit/teams.ts";
import { storeItems } from "../emit/teams.ts";

/** Statements `let <name><k> = <value(k)>;` for each item of a lane. */
function each({ items }: ThreadTeam, name: string, value: (k: number) => string): string[] {
  return items.map((k) => `let ${name}${k} = ${value(k)};`);
}

/** The sum over a row of `value(k)`, divided by its length. */
function mean({ items, own }: ThreadTeam, value: (k: number) => string): string {
  return `across_sum(fold_sum(${
    items.map((k) => own(k, value(k))).join(" + ")
  }), lane) / f32(COLS)`;
}

/** y and each row's statistics: binds x, gamma, beta, y, means, rstds. */
export function printNorm(team: ThreadTeam, { eps }: { eps: string }): string {
  return `${team.prelude}
@group(0) @binding(0) var<storage, read> x: array<Item>;
@group(0) @binding(1) var<storage, read> gamma: array<Item>;
@group(0) @binding(2) var<storage, read> beta: array<Item>;
@group(0) @binding(3) var<storage, read_write> y: array<Item>;
@group(0) @binding(4) var<storage, read_write> means: array<f32>;
@group(0) @binding(5) var<storage, read_write> rstds: array<f32>;

fn strip_main(strip: u32, begin: u32, last: u32, lane: u32) {
  ${each(team, "g", (k) => `gamma[${team.at(k)}]`).join("\n  ")}
  ${each(team, "b", (k) => `beta[${team.at(k)}]`).join("\n  ")}
  for (var row = begin; row < last; row++) {
    let first = row * ITEMS;
    ${each(team, "x", (k) => `x[first + ${team.at(k)}]`).join("\n    ")}
    let mean = ${mean(team, (k) => `x${k}`)};
    ${each(team, "d", (k) => `x${k} - mean`).join("\n    ")}
    let rstd = 1.0f / sqrt(${mean(team, (k) => `d${k} * d${k}`)} + ${eps});
    ${
    storeItems(team, { buffer: "y", row: "first", value: (k) => `d${k} * rstd * g${k} + b${k}` })
      .join("\n    ")
  }
    if (lane == 0u) {
      means[row] = mean;
      rstds[row] = rstd;
    }
  }
}
`;
}

/** dx, and the strip's sums for dgamma and dbeta: binds x, gamma, means, rstds, dy, dx, partial. */
export function printNormBackward(team: ThreadTeam): string {
  const sums = (name: string) => team.items.map((k) => `var ${name}${k} = Item();`);
  return `${team.prelude}
@group(0) @binding(0) var<storage, read> x: array<Item>;
@group(0) @binding(1) var<storage, read> gamma: array<Item>;
@group(0) @binding(2) var<storage, read> means: array<f32>;
@group(0) @binding(3) var<storage, read> rstds: array<f32>;
@group(0) @binding(4) var<storage, read> dy: array<Item>;
@group(0) @binding(5) var<storage, read_write> dx: array<Item>;
@group(0) @binding(6) var<storage, read_write> partial: array<Item>;

fn strip_main(strip: u32, begin: u32, last: u32, lane: u32) {
  ${each(team, "g", (k) => `gamma[${team.at(k)}]`).join("\n  ")}
  ${[...sums("scale"), ...sums("shift")].join("\n  ")}
  for (var row = begin; row < last; row++) {
    let first = row * ITEMS;
    let mean = means[row];
    let rstd = rstds[row];
    ${each(team, "d", (k) => `dy[first + ${team.at(k)}]`).join("\n    ")}
    ${each(team, "n", (k) => `(x[first + ${team.at(k)}] - mean) * rstd`).join("\n    ")}
    ${each(team, "u", (k) => `d${k} * g${k}`).join("\n    ")}
    let plain = ${mean(team, (k) => `u${k}`)};
    let along = ${mean(team, (k) => `u${k} * n${k}`)};
    ${
    storeItems(team, {
      buffer: "dx",
      row: "first",
      value: (k) => `rstd * (u${k} - plain - n${k} * along)`,
    }).join("\n    ")
  }
    ${team.items.map((k) => `scale${k} += d${k} * n${k}; shift${k} += d${k};`).join("\n    ")}
  }
  let place = 2u * strip * ITEMS;
  ${storeItems(team, { buffer: "partial", row: "place", value: (k) => `scale${k}` }).join("\n  ")}
  ${
    storeItems(team, { buffer: "partial", row: "place + ITEMS", value: (k) => `shift${k}` })
      .join("\n  ")
  }
}
`;
}
