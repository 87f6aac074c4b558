/** Random cases of the ops whose windows slide over images. */
import type { WindowCase } from "../../kernels/convolution/convolution_cases.ts";
import { maxPoolBackwardCase, maxPoolCase } from "../../kernels/convolution/max_pool.ts";
import { foldCase, unfoldCase } from "../../kernels/convolution/unfold.ts";
import type { Case } from "../../src/graph/types.ts";
import type { Roll } from "../fuzz/dice.ts";

/** An image, and a window that fits it; `padding`: at most this part of the window. */
function randomWindow(roll: Roll, padding: number): WindowCase {
  const kernel = [1 + roll(4), 1 + roll(4)] as const;
  const axis = (k: 0 | 1) => kernel[k] + roll(9);
  const padded = (k: 0 | 1) => roll(1 + Math.floor(kernel[k] * padding));
  return {
    kind: "ragged",
    shape: [1 + roll(3), axis(0), axis(1), 1 + roll(20)],
    window: {
      kernel,
      stride: [1 + roll(3), 1 + roll(3)],
      padding: [padded(0), padded(1)],
    },
  };
}

/** Makers of random cases, by the name of the op. */
export const WINDOW_OPS: Readonly<Record<string, (roll: Roll) => Case>> = {
  unfold: (roll) => unfoldCase(randomWindow(roll, 1)),
  fold: (roll) => foldCase(randomWindow(roll, 1)),
  max_pool: (roll) => maxPoolCase(randomWindow(roll, 0.5)),
  max_pool_backward: (roll) => maxPoolBackwardCase(randomWindow(roll, 0.5)),
};
