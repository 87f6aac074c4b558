/**
 * Leads a crew through a run: grants steps one by one, counts votes, and asks for evaluations,
 * checkpoints and a sample. It holds no parameters and touches no file: effects come as functions.
 */
import { bytesOf } from "../src/base/hash.ts";
import { Refusal } from "../src/base/refusal.ts";
import type { Checkpoint } from "../src/checkpoint/verify.ts";
import type { RunConfig } from "../src/config/schema.ts";
import type { Task } from "../src/data/source.ts";
import { taskOf } from "../src/data/sources/mod.ts";
import { learningRate } from "../src/optim/schedule.ts";
import { optimizerOf } from "../src/optim/mod.ts";
import type { Sink } from "../src/report/events.ts";
import { addStep, rateFrom, tokensPerSecond } from "../src/report/rate.ts";
import type { Crew } from "./crew.ts";
import { Inbox } from "./inbox.ts";
import type { Order } from "./messages.ts";
import { shapeOf } from "./plans.ts";
import type { Shape } from "./plans.ts";
import type { Corpus } from "./replica.ts";
import { floatsOf, wordsOf } from "./payload.ts";
import { evaluationOf, receiveState } from "./receive.ts";
import { carryOf, pieceOf } from "./state.ts";
import type { NamedState } from "./state.ts";

/** What a run is made of. */
export interface Run {
  readonly config: RunConfig;
  readonly corpus: Corpus;
  readonly crew: Crew;
  /** Where to go on from. */
  readonly from?: Checkpoint | undefined;
  readonly report: Sink;
  /** True once the run was asked to end after the step under way. */
  readonly stopping: () => boolean;
  /** Writes a checkpoint; gives its state hash, or undefined when there was no room for it. */
  readonly save: (
    state: NamedState,
    at: { step: number; adapter: string; last: boolean },
  ) => Promise<string | undefined>;
  /** Seconds on a steady clock. */
  readonly now: () => number;
}

/** How a run ended. */
export interface Outcome {
  readonly step: number;
  readonly loss: number;
  readonly valLoss: number | undefined;
  readonly tokens: number;
  readonly tokensPerS: number;
  readonly params: number;
  readonly adapter: string;
  readonly stateHash: string;
  /** Training was asked to stop before its last step. */
  readonly stopped: boolean;
}

/** Trains to the last step, or until told to stop. @throws when a worker fails or is lost. */
export async function coordinate(run: Run): Promise<Outcome> {
  return await new Coordinator(run).lead();
}

class Coordinator {
  readonly #run: Run;
  readonly #workers: readonly Inbox[];
  readonly #shape: Shape;
  readonly #task: Task;
  readonly #tokensPerStep: number;
  #step: number;
  #loss = NaN;
  #valLoss: number | undefined;
  #adapter = "";
  #params = 0;
  #stateHash = "";
  #saved = -1;

  constructor(run: Run) {
    this.#run = run;
    this.#workers = run.crew.channels.map((channel, rank) => new Inbox(channel, rank));
    const { micro_batches, windows, data } = run.config;
    const { vocabulary } = run.corpus;
    this.#shape = shapeOf(run.config, vocabulary);
    this.#task = taskOf(data, vocabulary);
    this.#tokensPerStep = micro_batches * windows * this.#task.time;
    this.#step = run.from?.manifest.step ?? 0;
  }

  async lead(): Promise<Outcome> {
    const { config, report } = this.#run;
    const from = this.#step;
    await this.#setUp();
    report({
      type: "start",
      run: {
        name: config.name,
        params: this.#params,
        workers: this.#workers.length,
        adapter: this.#adapter,
        tokensPerStep: this.#tokensPerStep,
        steps: config.steps,
        from,
      },
    });
    const tokensPerS = await this.#train();
    const stopped = this.#step < config.steps;
    if (!stopped) {
      await this.#evaluate();
      await this.#sample();
    }
    await this.#order({ type: "stop" });
    return {
      step: this.#step,
      loss: this.#loss,
      valLoss: this.#valLoss,
      tokens: this.#step * this.#tokensPerStep,
      tokensPerS,
      params: this.#params,
      adapter: this.#adapter,
      stateHash: this.#stateHash,
      stopped,
    };
  }

  #order(order: Order, payload?: Uint8Array): Promise<unknown> {
    return Promise.all(this.#workers.map((worker) => worker.order(order, payload)));
  }

  get #first(): Inbox {
    return this.#workers[0] as Inbox;
  }

  async #setUp(): Promise<void> {
    const { config, corpus: { train, validation, vocabulary } } = this.#run;
    const tokens = new Uint32Array(train.length + validation.length);
    tokens.set(train);
    tokens.set(validation, train.length);
    const setup: Order = {
      type: "setup",
      config,
      vocabulary,
      tokenizer: this.#run.corpus.tokenizer?.toJSON() ?? null,
      trainTokens: train.length,
    };
    await this.#order(setup, bytesOf(tokens));
    const ready = await Promise.all(this.#workers.map((worker) => worker.expect("ready")));
    const [first] = ready;
    this.#adapter = first?.reply.adapter ?? "";
    this.#params = first?.reply.params ?? 0;
    if (this.#run.from !== undefined) await this.#load(this.#run.from);
  }

  async #load(checkpoint: Checkpoint): Promise<void> {
    const vectors = ["param", ...optimizerOf(this.#run.config.optim).moments];
    for (const vector of vectors) {
      for (const piece of this.#shape.layout.pieces.keys()) {
        const data = pieceOf(this.#shape.layout, { vector, piece }, checkpoint);
        await this.#order({ type: "load", vector, piece }, bytesOf(data));
        await Promise.all(this.#workers.map((worker) => worker.expect("loaded")));
      }
    }
    for (const carry of this.#shape.carries) {
      for (let index = 0; index < this.#run.config.micro_batches; index++) {
        const data = carryOf(carry, index, checkpoint.optimizer);
        await this.#order({ type: "load_carry", name: carry.name, index }, bytesOf(data));
        await Promise.all(this.#workers.map((worker) => worker.expect("loaded")));
      }
    }
    this.#stateHash = checkpoint.manifest.stateHash;
    this.#saved = this.#step;
  }

  /** Runs steps until the last; gives tokens per second. */
  async #train(): Promise<number> {
    const { config, now, stopping } = this.#run;
    let rate = rateFrom({ tokens: this.#step * this.#tokensPerStep, seconds: now() });
    const start = now();
    let granted = false;
    while (this.#step < config.steps && !(stopping() && !granted)) {
      const step = this.#step;
      if (!granted) await this.#order({ type: "step", step });
      await Promise.all(this.#workers.map((worker) => worker.expect("vote")));
      const done = step + 1;
      const pause = done >= config.steps || stopping() || this.#due(done);
      granted = !pause;
      await this.#order({ type: "commit", step, next: granted });
      const { reply } = await this.#first.expect("stats");
      requireFinite(reply);
      this.#step = done;
      this.#loss = reply.loss;
      const tokens = done * this.#tokensPerStep;
      rate = addStep(rate, { tokens, seconds: now() });
      this.#run.report({
        type: "step",
        step: done,
        loss: reply.loss,
        lr: learningRate(step, config.optim),
        gradNorm: reply.norm,
        tokens,
        tokensPerS: tokensPerSecond(rate),
        seconds: now() - start,
      });
      if (!pause) continue;
      if (every(config.eval.every, done) && done < config.steps && !stopping()) {
        await this.#evaluate();
      }
      if (every(config.checkpoint.every, done) && done < config.steps) {
        await this.#save({ last: false });
      }
    }
    if (this.#saved !== this.#step) await this.#save({ last: true });
    return tokensPerSecond(rate);
  }

  #due(step: number): boolean {
    const { config } = this.#run;
    return every(config.eval.every, step) || every(config.checkpoint.every, step);
  }

  /** Mean validation loss, summed in the order of batches whoever computed them. */
  async #evaluate(): Promise<void> {
    await this.#order({ type: "evaluate" });
    const answers = await Promise.all(this.#workers.map((worker) => worker.expect("evaluated")));
    const { loss, accuracy } = evaluationOf(answers.map(({ payload }) => payload));
    this.#valLoss = loss;
    this.#run.report({
      type: "eval",
      step: this.#step,
      valLoss: loss,
      ...(this.#task.asked !== "next" && { valAccuracy: accuracy }),
    });
    if (!this.#run.config.report.gradient_reach) return;
    await this.#first.order({ type: "reach" });
    const { payload } = await this.#first.expect("reached");
    const norms = Array.from(floatsOf(payload));
    this.#run.report({ type: "reach", step: this.#step, norms });
  }

  async #save({ last }: { last: boolean }): Promise<void> {
    await this.#order({ type: "save" });
    const state = await receiveState(this.#workers, { ...this.#shape, ...this.#run.config });
    const at = { step: this.#step, adapter: this.#adapter, last };
    const hash = await this.#run.save(state, at);
    if (hash === undefined) return;
    this.#stateHash = hash;
    this.#saved = this.#step;
  }

  async #sample(): Promise<void> {
    const { corpus, config: { report } } = this.#run;
    const { tokenizer } = corpus;
    if (report.sample_length === 0 || this.#task.asked !== "next" || !tokenizer) return;
    const prompt = [...corpus.train.subarray(0, 1)];
    await this.#first.order({
      type: "sample",
      prompt,
      length: report.sample_length,
      temperature: report.sample_temperature,
    });
    const { payload } = await this.#first.expect("sampled");
    this.#run.report({ type: "sample", text: tokenizer.decode(wordsOf(payload)) });
  }
}

/** A state that is no number is never saved: the last checkpoint stays the newest. */
function requireFinite({ step, loss, norm }: { step: number; loss: number; norm: number }): void {
  if (Number.isFinite(loss) && Number.isFinite(norm)) return;
  throw new Refusal(
    "numerical",
    `Training diverged in step ${step + 1}: loss ${loss}, gradient norm ${norm}; lower optim.lr, ` +
      "or resume from the last checkpoint",
  );
}

function every(interval: number, step: number): boolean {
  return interval > 0 && step % interval === 0;
}
