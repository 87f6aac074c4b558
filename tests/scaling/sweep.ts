/** A sweep's folder as `scaling` finds it: rows of trials, made from a known law. */
import { gridOf, spaced, TRUTH } from "./synthetic.ts";

/** Rows of `trials.jsonl`: `sizes` x 4 trials that are done, one that failed, one stopped early. */
export function rowsOf(sizes = 5): Record<string, unknown>[] {
  const points = gridOf(TRUTH, {
    sizes: spaced(1e4, 3, sizes),
    tokens: spaced(1e5, 3, 4),
    sigma: 0.005,
    seed: 2,
  });
  const rows = points.map((point, i) => ({
    key: `k${i}`,
    name: `size ${point.params}, "${point.tokens}" tokens`,
    group: "grid",
    params: {
      all: point.params,
      no_embedding: Math.round(0.8 * point.params - 1000),
      matrices: Math.round(0.7 * point.params - 2000),
      per_layer: 100,
    },
    tokens: point.tokens,
    flops: point.flops,
    flops_formula: "6ND",
    loss: point.loss * 0.98,
    val_loss: point.loss,
    seed: 0,
    axes: { "model.layers": 2 },
    status: "done",
  }));
  const [first] = rows;
  return [
    // The key's last line counts.
    { ...first, status: "failed", loss: null, val_loss: null },
    ...rows,
    { ...first, key: "bad", status: "failed", loss: null, val_loss: null },
    { ...first, key: "early", status: "stopped" },
  ];
}

/** The rows as the file has them. */
export function linesOf(rows: readonly unknown[]): string {
  return rows.map((row) => JSON.stringify(row) + "\n").join("");
}
