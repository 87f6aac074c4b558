/** Which texts have a validation part long enough to evaluate. Pure. */
import { UserError } from "../base/user_error.ts";
import type { RunConfig } from "../config/schema.ts";
import { leastEvaluated } from "../data/sources/mod.ts";
import type { Text } from "../data/text.ts";
import type { Corpus } from "./corpus.ts";

/** Whether an evaluation has any target. */
export function isEvaluable({ data }: Pick<RunConfig, "data">, { texts }: Corpus): boolean {
  return texts.length === 0 || texts.some((text) => !isTooShort(text, leastEvaluated(data)));
}

/** A line for each text without evaluation targets, and one more when there are none at all. */
export function unevaluatedLines(config: Pick<RunConfig, "data">, corpus: Corpus): string[] {
  const lines = faultsOf(config, corpus).map((fault) => `Nothing is evaluated of ${fault}`);
  return isEvaluable(config, corpus) ? lines : [
    ...lines,
    "No step has a validation loss: no checkpoint is kept as the best",
  ];
}

/** @throws {UserError} `data` when an evaluation has no target. */
export function requireEvaluable(config: Pick<RunConfig, "data">, corpus: Corpus): void {
  if (isEvaluable(config, corpus)) return;
  throw new UserError("data", `Cannot evaluate ${faultsOf(config, corpus)[0]}`);
}

function faultsOf({ data }: Pick<RunConfig, "data">, { texts }: Corpus): string[] {
  const least = leastEvaluated(data);
  return texts.filter((text) => isTooShort(text, least)).map(({ name, validation: { length } }) =>
    `${name}: need a validation part of at least ${least} tokens: it has ${length}`
  );
}

function isTooShort({ validation }: Text, least: number): boolean {
  return validation.length < least;
}
