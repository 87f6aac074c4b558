/** Holds a source of the user to what its task and the interface of sources promise. */
import { IGNORE } from "../../base/ignore.ts";
import { thrownLine, valueText } from "../../base/text/thrown.ts";
import { callUser } from "../../base/user_calls.ts";
import { type ExitName, UserError } from "../../base/user_error.ts";
import type { Batch, BatchAddress, Source, SourceInput, Task } from "../source.ts";
import type { SourceDefinition, UserDataConfig } from "./definition.ts";

/** Most batches of an evaluation sequence: more are taken for a generator that never ends. */
const MOST_BATCHES = 2 ** 20;

/** What a batch is held to. */
interface Promised {
  readonly task: Task;
  /** Windows B. */
  readonly windows: number;
}

/** Calls code of the user; what it throws becomes one line that names the source. */
type Within = <T>(
  what: string,
  exit: ExitName,
  work: () => T,
  check?: (made: T) => void,
) => T;

/** The definition with its functions held to what they promise, in one line each. */
export function checkedSource(definition: SourceDefinition, module: string): SourceDefinition {
  const { source, needsText, task, make } = definition;
  const within: Within = (what, exit, work, check) =>
    callUser({ doing: `use ${what} of source ${source}`, module, exit }, work, check);
  return {
    ...definition,
    task: (config, vocabulary) =>
      within("the task", "config", () => task(config, vocabulary), (made) => {
        // A config is checked before its text is read.
        requireTask(made, { isKnown: !needsText || vocabulary > 0 });
      }),
    make: (config, input) => checkedBatches({ task, make }, { config, input, within }),
  };
}

function checkedBatches(
  { task, make }: Pick<SourceDefinition, "task" | "make">,
  { config, input, within }: {
    readonly config: UserDataConfig<unknown>;
    readonly input: SourceInput;
    readonly within: Within;
  },
): Source {
  const own = within("the task", "config", () => task(config, input.vocabulary ?? 0));
  const made = within("the batches", "config", () => make(config, input), (made) => {
    requireSource(made, own);
  });
  const { sequences } = made;
  const promised: Promised = { task: own, windows: input.windows };
  const train: Source["train"] = (at) =>
    within("a batch", "data", () => madeAt(at, () => made.train(at)), (batch) => {
      requireBatch(batch, promised);
      requireCounted(batch, promised);
    });
  const { countedIn, textOf } = made;
  return {
    // Methods and getters of a class are no own properties.
    sequences,
    ...countedIn && {
      countedIn: (step: number) =>
        within("countedIn", "data", () => {
          const counted = countedIn.call(made, step);
          if (Number.isInteger(counted) && counted > 0) return counted;
          throw new RangeError(
            `need the targets of step ${step}, a whole number above 0: got ${valueText(counted)}`,
          );
        }),
    },
    ...textOf && {
      textOf: (sequence: number) =>
        within("textOf", "data", () => {
          const text = textOf.call(made, sequence);
          const among = Math.max(1, input.texts.length);
          if (Number.isInteger(text) && text >= 0 && text < among) return text;
          throw new RangeError(
            `need the index of a text below ${among} for sequence ${sequence}: got ${
              valueText(text)
            }`,
          );
        }),
    },
    train,
    requireTraining() {
      within("the batches", "data", () => made.requireTraining?.());
      // What a batch lacks is better known before workers start.
      train({ step: 0, microBatch: 0 });
    },
    *evaluation(sequence) {
      const batches = within("a batch", "data", () => batchesOf(made, sequence));
      for (let number = 0;; number++) {
        const batch = within("a batch", "data", () => {
          const { done, value } = batches.next();
          if (done === true) return undefined;
          if (number === MOST_BATCHES) {
            throw new RangeError(
              `need evaluation(${sequence}) that ends: it gave ${MOST_BATCHES} batches`,
            );
          }
          requireBatch(value, promised);
          return value;
        });
        if (batch === undefined) return;
        yield batch;
      }
    },
  };
}

/** What was thrown, with the address of the batch. */
function madeAt({ step, microBatch }: BatchAddress, work: () => Batch): Batch {
  try {
    return work();
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new Error(`${thrownLine(error)} at step ${step}, micro-batch ${microBatch}`);
  }
}

/** What `make` needs to return. */
function requireSource(made: Source, { countedPerWindow }: Task): void {
  const { train, evaluation, countedIn, sequences } = Object(made) as Partial<Source>;
  if (typeof train !== "function" || typeof evaluation !== "function") {
    throw new RangeError(
      `need make() to return { train, sequences, evaluation }: got ${valueText(made)}`,
    );
  }
  if (!Number.isInteger(sequences) || Number(sequences) < 0) {
    throw new RangeError(
      `need sequences, the number of evaluation sequences: got ${valueText(sequences)}`,
    );
  }
  if (countedPerWindow === undefined && countedIn === undefined) {
    throw new RangeError("need countedIn(step), since countedPerWindow is undefined");
  }
}

/** `isKnown`: whether the vocabulary is that of the batches. */
function requireTask(task: Task, { isKnown }: { readonly isKnown: boolean }): void {
  const { time, vocabulary, classes, tensors } = Object(task) as Partial<Task>;
  for (const [name, value] of Object.entries({ time, vocabulary, classes })) {
    if (Number.isInteger(value) && Number(value) >= 0) continue;
    throw new RangeError(`need ${name} that is a whole number: got ${value}`);
  }
  if (tensors === undefined || Object.keys(tensors).length === 0) {
    throw new RangeError("need the tensors of a batch by name: got none");
  }
  if (!isKnown) return;
  for (
    const [name, ids, value] of [["vocabulary", "tokens", vocabulary], [
      "classes",
      "targets",
      classes,
    ]] as const
  ) {
    if (tensors[ids]?.dtype !== "u32" || Number(value) > 0) continue;
    throw new RangeError(`need ${name} above 0, since ${ids} are numbers below it: got ${value}`);
  }
}

/** The iterator over the batches of an evaluation sequence. */
function batchesOf(made: Source, sequence: number): Iterator<Batch> {
  const batches: unknown = made.evaluation(sequence);
  const iterate = Object(batches)[Symbol.iterator];
  if (typeof iterate === "function") return iterate.call(batches);
  throw new RangeError(
    `need evaluation(${sequence}) to return a list or a generator of batches: got ${
      valueText(batches)
    }`,
  );
}

function requireBatch(batch: Batch, { task, windows }: Promised): void {
  const { tensors, counted, fresh } = Object(batch) as Partial<Batch>;
  if (typeof tensors !== "object" || tensors === null) {
    throw new RangeError(`need a batch { tensors, counted, fresh }: got ${valueText(batch)}`);
  }
  for (const [name, { shape, dtype }] of Object.entries(task.tensors)) {
    const found = tensors[name];
    const length = shape.reduce((product, size) => product * size, windows);
    const isTyped = dtype === "u32" ? found instanceof Uint32Array : found instanceof Float32Array;
    if (isTyped && found?.length === length) continue;
    const got = found === undefined ? "none" : isTyped ? found.length : "another type";
    throw new RangeError(`need ${name} ${dtype} of ${length} elements: got ${got}`);
  }
  requireBelow(tensors, { name: "tokens", below: task.vocabulary });
  requireBelow(tensors, { name: "targets", below: task.classes });
  if (!Number.isInteger(counted) || Number(counted) < 0) {
    throw new RangeError(
      `need counted, the number of targets that count: got ${valueText(counted)}`,
    );
  }
  const isFresh = typeof fresh === "boolean" || (Array.isArray(fresh) &&
    fresh.length === windows && fresh.every((begins) => typeof begins === "boolean"));
  if (isFresh) return;
  throw new RangeError(
    `need fresh, true or false or a list of ${windows} of them: got ${valueText(fresh)}`,
  );
}

/** The tensors that Shoal's own models read as ids hold ids. */
function requireBelow(
  tensors: Batch["tensors"],
  { name, below }: { readonly name: string; readonly below: number },
): void {
  const ids = tensors[name];
  if (!(ids instanceof Uint32Array)) return;
  const wrong = ids.find((id) => id >= below && id !== IGNORE);
  if (wrong !== undefined) throw new RangeError(`need ${name} below ${below}: got ${wrong}`);
}

/** The loss is divided by the targets that the task promises for a window. */
function requireCounted({ counted }: Batch, { task, windows }: Promised): void {
  const { countedPerWindow: each } = task;
  if (each === undefined || counted === windows * each) return;
  throw new RangeError(`need counted ${windows} x countedPerWindow ${each}: got ${counted}`);
}
