/** Runs whose validation parts are shorter than a window: every loss is a number or is not there. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { UserError } from "../../src/base/user_error.ts";
import type { RunConfig } from "../../src/config/schema.ts";
import { textIn } from "../../src/data/text.ts";
import { openReference } from "../../src/device/reference.ts";
import { metricsLine } from "../../src/report/metrics.ts";
import type { RunEvent } from "../../src/report/events.ts";
import { linesOf } from "../../src/report/lines.ts";
import type { Corpus } from "../../src/corpus/corpus.ts";
import { requireTraining } from "../../src/corpus/data.ts";
import { isEvaluable, unevaluatedLines } from "../../src/corpus/evaluable.ts";
import { evaluateModel } from "../../workers/coordinator/evaluate.ts";
import { memoryLaunch } from "../support/worker_processes.ts";
import { randomTokens, tinyConfig } from "../support/gpt.ts";
import { lockstep } from "../support/lockstep.ts";
import { tinyRecurrent } from "../support/recurrent.ts";

const VOCABULARY = 11;
const WINDOW = 8;
const openDevice = () => Promise.resolve(openReference());

/** A text of 80 tokens to train on for each length of a validation part. */
function corpusOf(...lengths: number[]): Corpus {
  const tokens = randomTokens(200, VOCABULARY);
  const texts = lengths.map((n, i) =>
    textIn(
      { train: tokens.subarray(0, 80), validation: tokens.subarray(80, 80 + n) },
      { name: `text ${i}` },
    )
  );
  return { vocabulary: VOCABULARY, texts };
}

type Evaluated = RunEvent & { type: "eval" };

/** The evaluations of a run of 2 steps, and its validation loss at the end. */
async function evalsOf(config: RunConfig, corpus: Corpus, world = 1) {
  const { events, outcome } = await lockstep(config, { world, openDevice, corpus });
  const evals = events.filter((event): event is Evaluated => event.type === "eval");
  return { evals, valLoss: outcome.valLoss };
}

const LIMITS = { every: 1, windows: 3, stride: null };
const RUNS: Readonly<Record<string, RunConfig>> = {
  "a transformer": tinyConfig({ steps: 2, eval: LIMITS }),
  "a GRU in lanes": tinyRecurrent({
    steps: 2,
    eval: LIMITS,
    model: { kind: "recurrent", cell: "gru" },
    data: { seq_len: WINDOW, bptt: 4 },
    report: { sample_length: 0, gradient_reach: true },
  }),
};

for (const [name, config] of Object.entries(RUNS)) {
  Deno.test(`every evaluation of ${name} has a loss, or there is none and it is said`, async () => {
    for (const n of [0, 1, 2, WINDOW - 1, WINDOW, WINDOW + 1]) {
      const corpus = corpusOf(n);
      const { evals, valLoss } = await evalsOf(config, corpus);
      const says = unevaluatedLines(config, corpus);
      if (n < 2) {
        assertEquals([evals, valLoss, isEvaluable(config, corpus)], [[], undefined, false]);
        assertEquals(says, [
          `Nothing is evaluated of text 0: need a validation part of at least 2 tokens: it has ${n}`,
          "No step has a validation loss: no checkpoint is kept as the best",
        ]);
        continue;
      }
      assertEquals([evals.map(({ step }) => step), says], [[1, 2], []]);
      for (const { valLoss } of evals) assert(Math.abs(valLoss - Math.log(VOCABULARY)) < 1, `${n}`);
      assertEquals(valLoss, evals[1]?.valLoss);
      // Many workers, most of them without an evaluation sequence.
      assertEquals((await evalsOf(config, corpus, 4)).valLoss, valLoss);
    }
  });
}

Deno.test("in a mix every text has its line, whatever its length and its place", async () => {
  const config = tinyConfig({ steps: 1, eval: LIMITS });
  for (const lengths of [[0, 30], [30, 1], [30, 3, 1, 5], [1, 0]]) {
    const corpus = corpusOf(...lengths);
    const { evals } = await evalsOf(config, corpus);
    const silent = lengths.filter((n) => n < 2).length;
    const all = silent === lengths.length;
    assertEquals(unevaluatedLines(config, corpus).length, silent + (all ? 1 : 0));
    assertEquals(evals.length, all ? 0 : 1);
    for (const event of evals) {
      const losses = event.texts?.map(({ valLoss }) => valLoss) ?? [];
      assertEquals(losses.map((loss) => loss === null), lengths.map((n) => n < 2));
      const line = JSON.parse(metricsLine(event) ?? "");
      assertEquals(Object.keys(line.val_losses), lengths.map((_, i) => `text ${i}`));
      assert(Number.isFinite(line.val_loss));
      assert(!linesOf(event).join().includes("NaN"), linesOf(event).join());
    }
  }
});

Deno.test("a direction needs a whole window, and says of how many tokens", async () => {
  const config = tinyRecurrent({
    steps: 1,
    eval: LIMITS,
    model: { kind: "recurrent" },
    data: { source: "direction", seq_len: WINDOW },
  });
  assertEquals((await evalsOf(config, corpusOf(WINDOW))).evals, []);
  assertEquals(
    unevaluatedLines(config, corpusOf(WINDOW))[0],
    "Nothing is evaluated of text 0: need a validation part of at least 9 tokens: it has 8",
  );
  const { evals: [one] } = await evalsOf(config, corpusOf(WINDOW + 1));
  assert(one !== undefined && Number.isFinite(one.valLoss));
});

Deno.test("an evaluation by itself is refused with the length that it needs", async () => {
  const config = tinyConfig({ eval: { every: 0, windows: 0 } });
  const request = {
    config,
    params: new Map(),
    corpus: corpusOf(1),
    launch: memoryLaunch(openDevice).launch,
    show: () => {},
    stop: new AbortController().signal,
  };
  await assertRejects(() => evaluateModel(request), UserError, "at least 2 tokens: it has 1");
});

Deno.test("a text with nothing to train on is refused by its name before a run begins", () => {
  const config = tinyConfig();
  const [good] = corpusOf(9).texts;
  const short = textIn({ train: new Uint32Array(8), validation: new Uint32Array(9) }, {
    name: "b",
  });
  const corpus = { vocabulary: VOCABULARY, texts: good === undefined ? [] : [good, short] };
  const says = "need 9 tokens of b to train on: its training part has 8";
  assertEquals(assertThrows(() => requireTraining(config, corpus), UserError, says).exit, "data");
});
