/** Evaluations, the reach of the gradient, and samples: work of a quorum besides steps. */
import { UserError } from "../../src/base/user_error.ts";
import type { Reach } from "../../src/report/events.ts";
import { streamAfter } from "../../src/data/tokenizers/stream_after.ts";
import type { Tokenizer } from "../../src/data/tokenizers/types.ts";
import { evaluationOf } from "./evaluated.ts";
import type { RunContext } from "./context.ts";
import { directionsOf } from "../../src/engine/plans.ts";
import { unpackReach } from "../../src/engine/reach.ts";
import { firstTokens } from "../../src/corpus/folder_text.ts";
import { floatsOf, wordsOf } from "../protocol/payload.ts";

/**
 * Computes and reports the mean validation loss, summed in the order of sequences, so that it does not
 * depend on the number of workers. Without validation targets nothing is reported.
 */
export async function evaluateRun(context: RunContext): Promise<void> {
  const { group, run: { config, corpus, report, evaluated }, course, stop, task } = context;
  const { step } = course;
  const among = Math.max(1, corpus.texts.length);
  if (!context.isEvaluable) {
    course.evaluated = step;
    course.valLoss = undefined;
    return evaluated?.(evaluationOf([], { among, terms: context.shape.terms }));
  }
  report({ type: "doing", what: "evaluating" });
  await group.order({ type: "evaluate" });
  await context.pass("evaluate");
  const answers = await group.expect("evaluated");
  if (stop.aborted) return; // the evaluation was cut short
  const payloads = answers.map(({ payload }) => payload);
  const evaluation = evaluationOf(payloads, {
    among,
    terms: context.shape.terms,
    textOf: context.textOf,
  });
  const { loss, accuracy, terms, texts } = evaluation;
  evaluated?.(evaluation);
  if (evaluation.counted === 0 && Number.isNaN(loss)) {
    // No sign of a loss that diverged.
    course.evaluated = step;
    course.valLoss = undefined;
    course.fault ??= new UserError(
      "data",
      `Cannot evaluate source ${config.data.source}: need targets that count: there are none in ` +
        "its evaluation",
    );
    return;
  }
  const reaches = config.report.gradient_reach ? await reach(context) : undefined;
  course.evaluated = step;
  course.valLoss = loss;
  if (Number.isFinite(loss)) course.sound = Math.max(course.sound, step);
  report({
    type: "eval",
    step,
    valLoss: loss,
    ...(task.targetKind !== "next_token" && accuracy !== undefined && { valAccuracy: accuracy }),
    ...Object.keys(terms).length > 1 && { terms },
    ...(texts.length > 1 && {
      texts: texts.map(({ total, counted }, i) => ({
        name: corpus.texts[i]?.name ?? "",
        valLoss: counted === 0 ? null : total / counted,
      })),
    }),
  });
  if (reaches !== undefined) report({ type: "reach", step, reaches });
}

async function reach({ group, run: { config } }: RunContext): Promise<Reach[]> {
  await group.orderTo(0, { type: "reach" });
  const { payload } = await group.expectFrom(0, "reached");
  return unpackReach(floatsOf(payload), directionsOf(config));
}

/** Samples a continuation of each prompt, for models of text with a tokenizer. */
export async function sampleRun(context: RunContext): Promise<void> {
  const { group, stop, task, course, run: { corpus, config: { report }, report: tell } } = context;
  const { tokenizer } = corpus;
  course.sampled = course.step;
  if (report.sample_length === 0 || task.targetKind !== "next_token" || !tokenizer) return;
  const { step } = course;
  const prompts = report.prompts.map((prompt) => ({
    prompt,
    tokens: [...tokenizer.encode(prompt)],
  }));
  const all = prompts.length > 0 ? prompts : [{ prompt: "", tokens: firstTokens(corpus.texts) }];
  tell({ type: "doing", what: "drawing samples" });
  for (const [number, { prompt, tokens }] of all.entries()) {
    await group.orderTo(0, {
      type: "sample",
      prompt: tokens,
      known: tokenizer.size,
      at: [step, number],
      length: report.sample_length,
      temperature: report.sample_temperature,
    });
    await context.pass("sample");
    const { payload } = await group.expectFrom(0, "sampled");
    if (stop.aborted) return;
    const shown = prompt === "" ? [] : tokens;
    const text = textBehind(tokenizer, { shown, drawn: wordsOf(payload) });
    tell({ type: "sample", step, prompt, text });
  }
}

/** The text of the drawn tokens, decoded as a continuation of the shown ones. */
function textBehind(
  tokenizer: Tokenizer,
  { shown, drawn }: { readonly shown: readonly number[]; readonly drawn: Uint32Array },
): string {
  const stream = streamAfter(tokenizer, shown);
  return Array.from(drawn, (id) => stream.push(id)).join("") + stream.flush();
}
