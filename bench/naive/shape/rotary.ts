/** Naive rotary position embeddings: one thread per element. */
import type { RotaryAttrs } from "../../../kernels/rotary/mod.ts";
import { sizeOf } from "../../../src/base/shape.ts";
import { linearGroups } from "../../../src/graph/wgsl.ts";
import rotary from "./rotary.wgsl" with { type: "text" };
import type { Twin } from "../twin.ts";

/** One thread per element, for positions from 0 on. */
export const rotaryTwin: Twin = {
  fills: [0],
  launch({ inputs: [x, cos] }, { heads, pairing, inverse }: RotaryAttrs, { groups: limit }) {
    const [, T = 1, W = 1] = x?.shape ?? [];
    const { first: FIRST, heads: HEADS, width: D } = heads;
    const HALF = cos?.shape[1] ?? 1;
    return [{
      wgsl: rotary,
      constants: {
        ...{ T, W, FIRST, HEADS, D, HALF },
        interleaved: pairing === "interleaved" ? 1 : 0,
        inverse: inverse ? 1 : 0,
      },
      bindings: [{ input: 0 }, { input: 1 }, { input: 2 }, { output: 0 }],
      groups: linearGroups(sizeOf(x?.shape ?? []), limit),
    }];
  },
};
