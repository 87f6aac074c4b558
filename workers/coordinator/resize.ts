/** Changes the number of workers of a run. */
import { UserError } from "../../src/base/user_error.ts";
import type { RunContext } from "./context.ts";

/** Asks for `workers` workers; returns what was done. @throws {UserError} `config` if out of range. */
export function resizeGroup(
  { group, run: { cards = [], config: { micro_batches: limit } } }: RunContext,
  workers: number,
): string {
  if (!(workers >= 1 && workers <= limit)) {
    throw new UserError(
      "config",
      `Cannot go on with ${workers} workers: needs 1 to ${limit} (micro_batches)`,
    );
  }
  if (cards.length > 0 && workers > cards.length) {
    throw new UserError(
      "config",
      `Cannot go on with ${workers} workers: need a card for each: --gpus gave ${cards.length}`,
    );
  }
  const before = group.wanted;
  group.resize(workers);
  return `${workers} workers are wanted instead of ${before}`;
}
