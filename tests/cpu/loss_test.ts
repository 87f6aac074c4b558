/** Tests that the loss of the CPU device keeps its digits beside large logits. */
import { assert } from "@std/assert";
import { crossEntropyOp } from "../../kernels/cross_entropy/mod.ts";
import { openCpu } from "../../src/device/cpu.ts";
import { openReference } from "../../src/device/reference.ts";
import type { Case, Spec } from "../../src/graph/types.ts";
import { outputsOf } from "./outputs.ts";

/** Logits of a row: `top` at class 2, which is the target, and the others `gap` below it. */
const ROWS = [[12, 12], [16, 8], [100, 4], [1000, 1], [-3000, 2], [1e6, 0.5], [0, 15]] as const;
const CLASSES = 7;
/** Two roundings of f32, at a number of at most 2. */
const BOUND = 2 ** -22;

Deno.test("a loss is exact to f32, however large the logits are", async () => {
  const inputs: Spec[] = [
    { shape: [ROWS.length, CLASSES], dtype: "f32" },
    { shape: [ROWS.length], dtype: "u32" },
  ];
  const test: Case = {
    kind: "ragged",
    inputs,
    attrs: {},
    fill: ([logits, targets]) => {
      ROWS.forEach(([top, gap], row) => {
        const own = logits?.data.subarray(row * CLASSES, (row + 1) * CLASSES);
        own?.fill(top - gap).fill(top, 2, 3);
        targets?.data.fill(2);
      });
    },
  };
  const tried = { name: "losses", op: crossEntropyOp, test };
  const [got, want] = await Promise.all(
    [openCpu(), openReference()].map(async (device) => (await outputsOf(device, tried))[0]),
  );
  want?.forEach((loss, row) => {
    const error = Math.abs(loss - (got?.[row] as number));
    assert(error <= BOUND, `${ROWS[row]}: ${got?.[row]} instead of ${loss}`);
  });
});
