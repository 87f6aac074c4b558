/** Evaluates a model on the whole validation part of texts, on all workers; it writes no files. */
import type { ChosenDevice } from "../../src/base/device_kinds.ts";
import type { NamedTensor } from "../../src/checkpoint/tensors/tensor.ts";
import type { PinnedCard } from "../../src/cards/pin.ts";
import type { RunConfig } from "../../src/config/schema.ts";
import type { EventSink, RunEvent } from "../../src/report/events.ts";
import { coordinate } from "./coordinator.ts";
import { requireEvaluable } from "../../src/corpus/evaluable.ts";
import type { Corpus } from "../../src/corpus/corpus.ts";
import type { LaunchWorkers } from "../launch/processes.ts";
import type { Evaluation } from "./evaluated.ts";

/** A model, the texts to evaluate it on, and the workers. */
export interface EvaluationRequest {
  /** `eval` decides how windows are cut, `workers` how many workers share them. */
  readonly config: RunConfig;
  readonly params: ReadonlyMap<string, NamedTensor>;
  readonly corpus: Corpus;
  readonly launch: LaunchWorkers;
  /** A card for each worker slot; none where workers share the driver's first adapter. */
  readonly cards?: readonly PinnedCard[];
  /** As in RunRequest. */
  readonly device?: ChosenDevice;
  readonly show: EventSink;
  readonly stop: AbortSignal;
}

/** Events to show: those of a run's steps do not belong here. */
const SHOWN: readonly RunEvent["type"][] = ["notice", "progress", "doing"];

/** The evaluation; undefined when it was stopped. @throws {UserError} `data` without targets. */
export async function evaluateModel(request: EvaluationRequest): Promise<Evaluation | undefined> {
  const { config, params, corpus, launch, device, cards = [], show, stop } = request;
  requireEvaluable(config, corpus);
  let found: Evaluation | undefined;
  const start = performance.now();
  await coordinate({
    config: { ...config, report: { ...config.report, sample_length: 0, gradient_reach: false } },
    corpus,
    launch,
    device,
    cards,
    initial: params,
    trains: false,
    next: ({ stopping }) => found !== undefined || stopping ? "end" : "evaluate",
    evaluated: (evaluation) => found = evaluation,
    report: (event) => SHOWN.includes(event.type) && show(event),
    stop,
    save: () => Promise.reject(new Error("Cannot save: an evaluation changes nothing")),
    now: () => (performance.now() - start) / 1000,
  });
  return found;
}
