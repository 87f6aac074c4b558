/** Of which texts anything can be evaluated, by the lengths of their validation parts. Pure. */
import { UserError } from "../base/user_error.ts";
import type { RunConfig } from "../config/schema.ts";
import { leastEvaluated } from "../data/sources/mod.ts";
import type { Text } from "../data/text.ts";
import type { Corpus } from "./corpus.ts";

/** Whether an evaluation asks anything at all. */
export function isEvaluable({ data }: Pick<RunConfig, "data">, { texts }: Corpus): boolean {
  return texts.length === 0 || texts.some((text) => !isTooShort(text, leastEvaluated(data)));
}

/** A line for each text of which nothing is asked, and one more where that leaves nothing. */
export function unevaluatedLines(config: Pick<RunConfig, "data">, corpus: Corpus): string[] {
  const lines = faultsOf(config, corpus).map((fault) => `Nothing is evaluated of ${fault}`);
  return isEvaluable(config, corpus) ? lines : [
    ...lines,
    "No step has a validation loss: no checkpoint is kept as the best",
  ];
}

/** @throws {UserError} `data` when an evaluation asks nothing at all. */
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
