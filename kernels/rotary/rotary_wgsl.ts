/**
 * Prints the rotary kernel. An invocation rotates one pair of columns (of quads, where all sizes
 * allow it), so that each number is loaded once, or copies one column that is not rotated.
 */
import type { Launch, Target } from "../../src/graph/types.ts";
import { linearGroups, linearHead } from "../../src/graph/wgsl.ts";
import { itemWgsl, itemWidth } from "../emit/rows.ts";
import type { RotaryAttrs, RotarySizes } from "./rotary_sizes.ts";

/** Elements per item: 4 where pairs are halves and all sizes are multiples of 4. */
function itemOf({ columns, half, attrs: { heads, pairing } }: RotaryCall): 1 | 4 {
  const sizes = [columns, half, heads.first, heads.width];
  return pairing === "halves" && sizes.every((size) => itemWidth(size) === 4) ? 4 : 1;
}

/** A call; `isPlaced`: positions are an input. */
export interface RotaryCall extends RotarySizes {
  readonly attrs: RotaryAttrs;
  readonly isPlaced: boolean;
}

/** The dispatch of a call: binds x, cos, sin, positions?, y. */
export function rotaryLaunch(call: RotaryCall, target: Target): Launch {
  const { tokens, time, columns, half, isPlaced, attrs } = call;
  const { heads: { first, heads, width }, pairing, inverse } = attrs;
  const item = itemOf(call);
  const pairs = heads * half / item;
  const copied = (columns - 2 * heads * half) / item;
  const constants = {
    TIME: time,
    COLUMNS: columns / item,
    FIRST: first / item,
    WIDTH_OF_HEAD: width / item,
    HALF: half / item,
    PAIRS: pairs,
    UNITS: pairs + copied,
  };
  const units = tokens * (pairs + copied);
  const groups = linearGroups(units, target.groups);
  const [column, apart] = pairing === "halves" ? ["k", "HALF"] : ["2u * k", "1u"];
  const bounds = [
    ["read", "x", "Item"],
    ["read", "cos_table", "Item"],
    ["read", "sin_table", "Item"],
    ...isPlaced ? [["read", "positions", "u32"]] : [],
    ["read_write", "y", "Item"],
  ];
  const rest = width - 2 * half;
  const wgsl = `${itemWgsl(item)}${
    Object.entries(constants).map(([name, value]) => `const ${name} = ${value}u;\n`).join("")
  }${
    bounds.map(([access, name, of], at) =>
      `@group(0) @binding(${at}) var<storage, ${access}> ${name}: array<${of}>;\n`
    ).join("")
  }${copied === 0 ? "" : printCopied(heads * rest / item, rest / item)}
${linearHead(units, groups)}
  let token = i / UNITS;
  let unit = i % UNITS;
  let row = token * COLUMNS;
${
    copied === 0 ? "" : `  if (unit >= PAIRS) {
    let column = copied_column(unit - PAIRS);
    y[row + column] = x[row + column];
    return;
  }
`
  }  let k = unit % HALF;
  let angle = ${isPlaced ? "positions[token % TIME]" : "token % TIME"} * HALF + k;
  let at = row + FIRST + unit / HALF * WIDTH_OF_HEAD + ${column};
  let a = x[at];
  let b = x[at + ${apart}];
  let c = cos_table[angle];
  let s = ${inverse ? "-" : ""}sin_table[angle];
  y[at] = a * c - b * s;
  y[at + ${apart}] = b * c + a * s;
}
`;
  const inputs = Array.from({ length: isPlaced ? 4 : 3 }, (_, input) => ({ input }));
  return { wgsl, bindings: [...inputs, { output: 0 }], groups };
}

/**
 * WGSL of the n-th column that is not rotated: those before the heads, the last `rest` columns of
 * each head, `all` in sum, and those behind the heads.
 */
function printCopied(all: number, rest: number): string {
  const inHeads = rest === 0 ? "" : `  if (n < FIRST + ${all}u) {
    let m = n - FIRST;
    return FIRST + m / ${rest}u * WIDTH_OF_HEAD + 2u * HALF + m % ${rest}u;
  }
`;
  return `fn copied_column(n: u32) -> u32 {
  if (n < FIRST) { return n; }
${inHeads}  return n + 2u * PAIRS;
}
`;
}
