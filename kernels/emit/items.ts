/**
 * Launches kernels in which each invocation writes one `Item` of the output: a vec4 if 4 divides
 * all sizes along the last axis, else one element.
 */
import { sizeOf } from "../../src/base/shape.ts";
import type { Io, Launch, Spec, Target } from "../../src/graph/types.ts";
import { linearGroups, linearHead } from "../../src/graph/wgsl.ts";
import { itemWgsl, itemWidth } from "./rows.ts";

/** Values of a kernel's `override` constants, by name. */
export interface ItemConstants {
  /** Sizes and offsets along the last axis, in elements; converted to items. */
  readonly columns: Readonly<Record<string, number>>;
  /** Values that are passed unchanged. */
  readonly plain?: Readonly<Record<string, number>>;
}

/**
 * One dispatch of `wgsl`, which binds all inputs in order, then output 0, and defines
 * `item_main(i: u32)`, which writes item `i` of that output. `main` is added here.
 */
export function itemLaunch(
  wgsl: string,
  { inputs, outputs }: Io<Spec>,
  { columns, plain = {}, target }: ItemConstants & { target: Target },
): Launch {
  const width = Object.values(columns).every((n) => itemWidth(n) === 4) ? 4 : 1;
  const items = sizeOf(outputs[0]?.shape ?? []) / width;
  const groups = linearGroups(items, target.groups);
  const inItems = Object.entries(columns).map(([name, n]) => [name, n / width]);
  return {
    wgsl: `${itemWgsl(width)}${wgsl}
${linearHead(items, groups)}
  item_main(i);
}
`,
    constants: { ...Object.fromEntries(inItems), ...plain },
    bindings: [...inputs.map((_, input) => ({ input })), { output: 0 }],
    groups,
  };
}
