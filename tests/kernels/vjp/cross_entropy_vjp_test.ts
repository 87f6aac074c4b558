/** The gradient of cross entropy, with ignored rows. */
import { assert } from "@std/assert";
import { crossEntropyOp } from "../../../kernels/cross_entropy/mod.ts";
import { IGNORE } from "../../../src/base/ignore.ts";
import type { Case, View } from "../../../src/graph/types.ts";
import { checkVjp } from "../../support/graph/differences.ts";

function logitsCase(shape: number[], fill: (views: readonly View[]) => void): Case {
  return {
    kind: "ragged",
    inputs: [{ shape, dtype: "f32" }, { shape: shape.slice(0, -1), dtype: "u32" }],
    attrs: {},
    range: { 0: [-3, 3] },
    below: { 1: shape.at(-1) as number },
    fill,
  };
}

for (const shape of [[3, 4], [2, 3, 7]]) {
  Deno.test(`the vjp of cross_entropy over [${shape}] matches differences`, async () => {
    await checkVjp(crossEntropyOp, logitsCase(shape, () => {}));
  });
}

Deno.test("the vjp of cross_entropy matches differences where a row is ignored", async () => {
  const ignoreSecond = ([, targets]: readonly View[]) => {
    assert(targets);
    targets.data[1] = IGNORE;
  };
  await checkVjp(crossEntropyOp, logitsCase([3, 5], ignoreSecond));
});
