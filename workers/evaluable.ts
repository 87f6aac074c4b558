/** Of which texts anything can be evaluated, by the lengths of their validation parts. Pure. */
import type { RunConfig } from "../src/config/schema.ts";
import { leastEvaluated } from "../src/data/sources/mod.ts";
import type { Text } from "../src/data/text.ts";
import type { Corpus } from "./corpus.ts";

/** Whether an evaluation asks anything at all. */
export function isEvaluable({ data }: Pick<RunConfig, "data">, { texts }: Corpus): boolean {
  return texts.length === 0 || texts.some((text) => !isSilent(text, leastEvaluated(data)));
}

/** A line for each text of which nothing is asked, and one more where that leaves nothing. */
export function silentLines(config: Pick<RunConfig, "data">, corpus: Corpus): string[] {
  const least = leastEvaluated(config.data);
  const lines = corpus.texts.filter((text) => isSilent(text, least)).map(({ name, validation }) =>
    `Nothing of ${name} is evaluated: need a validation part of at least ${least} tokens: it has ` +
    validation.length
  );
  return isEvaluable(config, corpus) ? lines : [
    ...lines,
    "No step has a validation loss: no checkpoint is kept as the best",
  ];
}

function isSilent({ validation }: Text, least: number): boolean {
  return validation.length < least;
}
