/**
 * Evaluates a model on the whole validation part of texts, on all workers, and nothing else: no
 * folder is written, no step is taken.
 */
import type { NamedTensor } from "../../src/checkpoint/tensors/tensor.ts";
import type { PinnedCard } from "../../src/cards/pin.ts";
import type { RunConfig } from "../../src/config/schema.ts";
import type { EventSink, RunEvent } from "../../src/report/events.ts";
import { coordinate } from "./coordinator.ts";
import { requireEvaluable } from "../../src/corpus/evaluable.ts";
import type { Corpus } from "../../src/corpus/corpus.ts";
import type { LaunchWorkers } from "../launch/processes.ts";
import type { Evaluation } from "./evaluated.ts";

/** What is evaluated, on what, and by whom. */
export interface EvaluationRequest {
  /** Its `eval` says how windows are cut, its `workers` how many share them. */
  readonly config: RunConfig;
  readonly params: ReadonlyMap<string, NamedTensor>;
  readonly corpus: Corpus;
  readonly launch: LaunchWorkers;
  /** A card for each worker slot; none where workers share what the driver offers first. */
  readonly cards?: readonly PinnedCard[];
  readonly show: EventSink;
  readonly stop: AbortSignal;
}

/** Events that tell what is being done. */
const TOLD: readonly RunEvent["type"][] = ["notice", "progress", "doing"];

/** The evaluation; undefined when it was stopped. @throws {Refusal} `data` where nothing can be asked. */
export async function evaluateModel(request: EvaluationRequest): Promise<Evaluation | undefined> {
  const { config, params, corpus, launch, cards = [], show, stop } = request;
  requireEvaluable(config, corpus);
  let found: Evaluation | undefined;
  const start = performance.now();
  await coordinate({
    config: { ...config, report: { ...config.report, sample_length: 0, gradient_reach: false } },
    corpus,
    launch,
    cards,
    initial: params,
    trains: false,
    next: ({ stopping }) => found !== undefined || stopping ? "end" : "evaluate",
    evaluated: (evaluation) => found = evaluation,
    // What a run would tell of its course is not what is asked here.
    report: (event) => TOLD.includes(event.type) && show(event),
    stop,
    save: () => Promise.reject(new Error("Cannot save: an evaluation changes nothing")),
    now: () => (performance.now() - start) / 1000,
  });
  return found;
}
