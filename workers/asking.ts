/** What is asked of a formation besides steps: evaluations, the gradient's reach, a sample. */
import { evaluationOf } from "./evaluated.ts";
import type { Lead } from "./lead.ts";
import { floatsOf, wordsOf } from "./payload.ts";

/** Mean validation loss, summed in the order of batches whoever computed them. */
export async function evaluate(lead: Lead): Promise<void> {
  const { team, run: { config, report }, course, stop, task } = lead;
  const { step } = course;
  const strikes = lead.strikes(step, ["evaluate"]);
  await team.order((rank) => ({ type: "evaluate", strikes: strikes[rank] ?? [] }));
  await lead.pass("evaluate");
  const answers = await team.expect("evaluated");
  if (stop.aborted) return; // it was cut short
  const { loss, accuracy } = evaluationOf(answers.map(({ payload }) => payload));
  const norms = config.report.gradient_reach ? await reach(lead) : undefined;
  course.evaluated = step;
  course.valLoss = loss;
  report({
    type: "eval",
    step,
    valLoss: loss,
    ...(task.asked !== "next" && { valAccuracy: accuracy }),
  });
  if (norms !== undefined) report({ type: "reach", step, norms });
}

async function reach({ team }: Lead): Promise<number[]> {
  await team.orderTo(0, { type: "reach" });
  const { payload } = await team.expectFrom(0, "reached");
  return Array.from(floatsOf(payload));
}

/** Shows how the model continues the text's first token, where that can be asked. */
export async function sample(lead: Lead): Promise<void> {
  const { team, stop, task, run: { corpus, config: { report }, report: tell } } = lead;
  const { tokenizer } = corpus;
  if (report.sample_length === 0 || task.asked !== "next" || !tokenizer) return;
  await team.orderTo(0, {
    type: "sample",
    prompt: [...corpus.train.subarray(0, 1)],
    length: report.sample_length,
    temperature: report.sample_temperature,
  });
  await lead.pass("sample");
  const { payload } = await team.expectFrom(0, "sampled");
  if (!stop.aborted) tell({ type: "sample", text: tokenizer.decode(wordsOf(payload)) });
}
