/** The op table: tests, benches and docs are derived from it. */
import type { Op } from "../src/graph/types.ts";
import { columnSum } from "./column_sum.ts";
import { matmulOp } from "./matmul.ts";
import { pointwiseOp } from "./pointwise.ts";

/** Every op, one line each. */
export const OPS: readonly Op[] = [
  columnSum,
  matmulOp,
  pointwiseOp,
];
