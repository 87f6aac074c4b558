/** Evaluation of whole texts: its targets, and independence of the number of workers. */
import { assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { UserError } from "../../src/base/user_error.ts";
import type { RunConfig } from "../../src/config/schema.ts";
import { textIn } from "../../src/data/text.ts";
import { openReference } from "../../src/device/reference.ts";
import type { Memory } from "../../src/device/types.ts";
import type { Plan } from "../../src/plan/types.ts";
import type { RunEvent } from "../../src/report/events.ts";
import type { Corpus } from "../../src/corpus/corpus.ts";
import { decodedShape } from "../../src/engine/decode_plan.ts";
import { evaluateModel } from "../../workers/coordinator/evaluate.ts";
import { shapeOf } from "../../src/engine/plans.ts";
import { memoryLaunch } from "../support/worker_processes.ts";
import { beginsIn } from "../support/documents.ts";
import { fullLogits } from "../../src/engine/whole/whole_window.ts";
import { randomTokens, tinyConfig } from "../support/gpt.ts";
import { tinyRecurrent } from "../support/recurrent.ts";
import { someValues } from "../../src/testing/some_values.ts";

const VOCABULARY = 11;
const onReference = () => Promise.resolve(openReference());

function paramsOf(config: RunConfig) {
  const { params } = shapeOf(config, VOCABULARY);
  return new Map(
    params.map((p) => [p.name, { name: p.name, shape: p.shape, data: someValues(p) }]),
  );
}

function corpusOf(...lengths: number[]): Corpus {
  return {
    vocabulary: VOCABULARY,
    texts: lengths.map((n, i) => {
      const tokens = randomTokens(n + 60, VOCABULARY).subarray(7 * i);
      const parts = { train: tokens.subarray(0, 40), validation: tokens.subarray(40, 40 + n) };
      return textIn(parts, { name: `text ${i}`, weight: i + 1 });
    }),
  };
}

async function evaluated(config: RunConfig, corpus: Corpus) {
  const { launch } = memoryLaunch(onReference);
  const stop = new AbortController().signal;
  const params = paramsOf(config);
  const found = await evaluateModel({ config, params, corpus, launch, show: () => {}, stop });
  if (found === undefined) throw new Error("The evaluation was stopped");
  return found;
}

Deno.test("an evaluation covers every token of each text but its first, with any number of workers", async () => {
  const corpus = corpusOf(61, 9, 33);
  for (const stride of [null, 3, 8]) {
    const config = (workers: number) =>
      tinyConfig({ workers, eval: { every: 0, windows: 0, stride } });
    const one = await evaluated(config(1), corpus);
    assertEquals(one.texts.map(({ counted }) => counted), [60, 8, 32]);
    assertEquals(one.counted, 100);
    assertEquals(await evaluated(config(3), corpus), one);
  }
});

Deno.test("an evaluation that loses a worker without replacement ends with the others", async () => {
  const corpus = corpusOf(61, 9, 33);
  const config = tinyConfig({ workers: 3, recovery: { ...tinyConfig().recovery, restarts: 0 } });
  const { launch, processes } = memoryLaunch(onReference);
  const notices: string[] = [];
  let isKilled = false;
  const show = (event: RunEvent) => {
    if (event.type === "notice") notices.push(event.text);
    if (event.type !== "doing" || event.what !== "evaluating" || isKilled) return;
    isKilled = true;
    processes().signal(1, "SIGKILL");
  };
  const params = paramsOf(config);
  const stop = new AbortController().signal;
  const found = await evaluateModel({ config, params, corpus, launch, show, stop });
  assertEquals(found, await evaluated(tinyConfig({ workers: 1 }), corpus));
  assertEquals(notices.filter((text) => text.includes("recovery.restarts allows 0")).length, 1);
});

Deno.test("with a stride of one each token has its whole context", async () => {
  const config = tinyConfig({ eval: { every: 0, windows: 0, stride: 1 } });
  const corpus = corpusOf(30);
  const [text] = (await evaluated(config, corpus)).texts;
  const tokens = randomTokens(90, VOCABULARY).subarray(40, 70);
  const model = { model: config.model, vocabulary: VOCABULARY, context: 8 };
  const params = paramsOf(config);
  assertEquals([...params.keys()], decodedShape(model).params.map(({ name }) => name));
  let nats = 0;
  for (let t = 1; t < tokens.length; t++) {
    const context = tokens.subarray(Math.max(0, t - 8), t);
    const logits = await fullLogits(openReference(), { ...model, params }, {
      tokens: context,
      rows: 1,
    });
    const last = logits.subarray((context.length - 1) * VOCABULARY);
    const total = last.reduce((sum, x) => sum + Math.exp(x), 0);
    nats += Math.log(total) - (last[tokens[t] as number] as number);
  }
  assertAlmostEquals(text?.nats ?? NaN, nats, 1e-4 * nats);
});

for (const document_end of [null, "e"]) {
  Deno.test(`lanes ask each token once on any number of workers, with ${document_end ?? "no"} documents`, async () => {
    const config = (workers: number) =>
      tinyRecurrent({
        workers,
        eval: { every: 0, windows: 0 },
        model: { kind: "recurrent", cell: "gru" },
        data: { seq_len: 12, bptt: 4, document_end },
      });
    const { texts } = corpusOf(60);
    const all = new Uint32Array(60);
    texts[0]?.validation.read(0, all);
    const parts = { train: all, validation: all };
    const begins = document_end === null ? undefined : beginsIn(parts, [5]);
    const corpus = { vocabulary: VOCABULARY, texts: [textIn(parts, { begins })] };
    const one = await evaluated(config(1), corpus);
    assertEquals(one.counted, 59);
    assertEquals(await evaluated(config(4), corpus), one);
  });
}

Deno.test("a validation part of one token is refused", async () => {
  const config = tinyConfig({ eval: { every: 0, windows: 0 } });
  await assertRejects(
    () => evaluated(config, corpusOf(1)),
    UserError,
    "at least 2 tokens: it has 1",
  );
});

Deno.test("an evaluation loads no plans of a training step, and reports its progress", async () => {
  const loaded: string[][] = [];
  const openDevice = () => {
    const device = openReference();
    return Promise.resolve({
      ...device,
      load: (plan: Plan, memory: Memory) => {
        loaded.push(Object.keys(plan.named));
        return device.load(plan, memory);
      },
    });
  };
  const config = tinyConfig({ eval: { every: 0, windows: 0, stride: null } });
  const events: RunEvent[] = [];
  const { launch } = memoryLaunch(openDevice);
  await evaluateModel({
    config,
    params: paramsOf(config),
    corpus: corpusOf(61),
    launch,
    show: (event) => events.push(event),
    stop: new AbortController().signal,
  });
  assertEquals(loaded.length, 1, JSON.stringify(loaded));
  const doing = events.flatMap((event) => event.type === "doing" ? [event.what] : []);
  assertEquals(doing, ["starting 1 worker", "evaluating"]);
});
