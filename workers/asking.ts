/** What is asked of a formation besides steps: evaluations, the gradient's reach, a sample. */
import { streamBehind } from "../src/data/tokenizers/behind.ts";
import type { Tokenizer } from "../src/data/tokenizers/types.ts";
import { evaluationOf } from "./evaluated.ts";
import type { Lead } from "./lead.ts";
import { firstTokens } from "./texts.ts";
import { floatsOf, wordsOf } from "./payload.ts";

/** Mean validation loss, summed in the order of batches whoever computed them. */
export async function evaluate(lead: Lead): Promise<void> {
  const { team, run: { config, corpus, report, evaluated }, course, stop, task } = lead;
  const { step } = course;
  report({ type: "doing", what: "evaluating" });
  const strikes = lead.strikes(step, ["evaluate"]);
  await team.order((rank) => ({ type: "evaluate", strikes: strikes[rank] ?? [] }));
  await lead.pass("evaluate");
  const answers = await team.expect("evaluated");
  if (stop.aborted) return; // it was cut short
  const payloads = answers.map(({ payload }) => payload);
  const evaluation = evaluationOf(payloads, lead.textOf);
  const { loss, accuracy, texts } = evaluation;
  evaluated?.(evaluation);
  const norms = config.report.gradient_reach ? await reach(lead) : undefined;
  course.evaluated = step;
  course.valLoss = loss;
  report({
    type: "eval",
    step,
    valLoss: loss,
    ...(task.asked !== "next" && { valAccuracy: accuracy }),
    ...(texts.length > 1 && {
      texts: texts.map(({ nats, counted }, i) => ({
        name: corpus.texts[i]?.name ?? "",
        valLoss: nats / counted,
      })),
    }),
  });
  if (norms !== undefined) report({ type: "reach", step, norms });
}

async function reach({ team }: Lead): Promise<number[]> {
  await team.orderTo(0, { type: "reach" });
  const { payload } = await team.expectFrom(0, "reached");
  return Array.from(floatsOf(payload));
}

/** Shows how the model continues each prompt, where that can be asked. */
export async function sample(lead: Lead): Promise<void> {
  const { team, stop, task, course, run: { corpus, config: { report }, report: tell } } = lead;
  const { tokenizer } = corpus;
  course.sampled = course.step;
  if (report.sample_length === 0 || task.asked !== "next" || !tokenizer) return;
  const { step } = course;
  const given = report.prompts.map((prompt) => ({ prompt, tokens: [...tokenizer.encode(prompt)] }));
  const all = given.length > 0 ? given : [{ prompt: "", tokens: firstTokens(corpus.texts) }];
  tell({ type: "doing", what: "drawing samples" });
  for (const [number, { prompt, tokens }] of all.entries()) {
    await team.orderTo(0, {
      type: "sample",
      prompt: tokens,
      known: tokenizer.size,
      at: [step, number],
      length: report.sample_length,
      temperature: report.sample_temperature,
    });
    await lead.pass("sample");
    const { payload } = await team.expectFrom(0, "sampled");
    if (stop.aborted) return;
    const shown = prompt === "" ? [] : tokens;
    const text = textBehind(tokenizer, { shown, drawn: wordsOf(payload) });
    tell({ type: "sample", step, prompt, text });
  }
}

/** The text of what was drawn, as it goes on from what is shown. */
function textBehind(
  tokenizer: Tokenizer,
  { shown, drawn }: { readonly shown: readonly number[]; readonly drawn: Uint32Array },
): string {
  const stream = streamBehind(tokenizer, shown);
  return Array.from(drawn, (id) => stream.push(id)).join("") + stream.flush();
}
