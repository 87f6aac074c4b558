/** Sources that modules of the user define, registered by name. */
import {
  type DefiningModule,
  isDefinitionName,
  refuseModule,
  UserDefinitions,
} from "../../base/user_definitions.ts";
import { IGNORE } from "../../base/ignore.ts";
import { callUser } from "../../base/user_calls.ts";
import type { Batch, Source, SourceInput, Task } from "../source.ts";

/** The `data` part of a config for a source of the user; `O`: its own options. */
export interface UserDataConfig<O> {
  /** Name of the source. */
  readonly source: string;
  /** Sequence length T in tokens. */
  readonly seq_len: number;
  /** Tokens between the starts of neighbouring training windows; null takes `seq_len`. */
  readonly stride: number | null;
  /** Its options, as its schema has them. */
  readonly options: O;
}

/** The schema of a source's options. */
export interface OptionsSchema<O> {
  /** The value, checked and with its defaults. @throws where it is not valid. */
  parse(value: unknown): O;
}

/** A source of batches: everything that the system needs to know of it. */
export interface SourceDefinition<O = unknown> {
  /** Name, as in configs. */
  readonly source: string;
  /** Whether it reads a text (`data.path`); false for a source that makes its batches up. */
  readonly needsText: boolean;
  /** True when its batches depend on the text of tokens: then `make` gets the tokenizer. */
  readonly needsTokenizer?: true;
  /** Schema of `data.options`, a strict object. Default: no options. */
  readonly options?: OptionsSchema<O>;
  /** The task; `vocabulary`: distinct tokens of the text, 0 without text. */
  readonly task: (config: UserDataConfig<O>, vocabulary: number) => Task;
  /** Makes the source. It must be a pure function of its input: every worker makes its own. */
  readonly make: (config: UserDataConfig<O>, input: SourceInput) => Source;
}

/** Types a source's definition. */
export function defineSource<O = unknown>(definition: SourceDefinition<O>): SourceDefinition<O> {
  return definition;
}

const registered = new UserDefinitions<SourceDefinition>();

/** The source that the module with this SHA-256 defines, as a config has it. */
export function userSource(sha256: string | undefined): SourceDefinition | undefined {
  return registered.of(sha256);
}

/**
 * Registers the source that a module exports; returns its name. `shipped`: names of Shoal's own.
 * @throws {UserError} `config` for what is no source, and for a name of Shoal's own.
 */
export function registerSource(
  exported: unknown,
  from: DefiningModule,
): string {
  const { module, sha256, shipped } = from;
  const { source, needsText, task, make } = Object(exported) as Partial<SourceDefinition>;
  if (!isDefinitionName(source) || typeof task !== "function" || typeof make !== "function") {
    return refuseModule(
      from,
      "need a source as default export, by defineSource({ source, task, make, ... })",
    );
  }
  if (typeof needsText !== "boolean") {
    refuseModule(from, `need needsText, true or false: ${needsText}`);
  }
  if (shipped.includes(source)) {
    refuseModule(from, `need a name of its own: Shoal has a source ${source}`);
  }
  registered.add(sha256, checked(exported as SourceDefinition, module));
  return source;
}

/** The definition with its functions held to what they promise, in one line each. */
function checked(definition: SourceDefinition, module: string): SourceDefinition {
  const { source, needsText, task, make } = definition;
  const within = <T>(what: string, work: () => T, check?: (made: T) => void): T =>
    callUser({ doing: `use ${what} of source ${source}`, module }, work, check);
  return {
    ...definition,
    task: (config, vocabulary) =>
      within("the task", () => task(config, vocabulary), (made) => {
        // A config is checked before its text is read.
        requireTask(made, { isKnown: !needsText || vocabulary > 0 });
      }),
    make(config, input) {
      const made = within("the batches", () => make(config, input));
      const own = task(config, input.vocabulary ?? 0);
      const { windows } = input;
      const whole = <B extends Batch>(batch: B): B => {
        requireBatch(batch, { task: own, windows });
        return batch;
      };
      const train: Source["train"] = (at) =>
        within("a batch", () => {
          const batch = whole(made.train(at));
          requireCounted(batch, { task: own, windows });
          return batch;
        });
      const { countedIn, textOf } = made;
      if (own.countedPerWindow === undefined && countedIn === undefined) {
        within("the batches", () => {
          throw new RangeError("need countedIn(step), since countedPerWindow is undefined");
        });
      }
      return {
        // Methods and getters of a class are no own properties.
        sequences: made.sequences,
        ...countedIn && { countedIn: (step: number) => countedIn.call(made, step) },
        ...textOf && { textOf: (sequence: number) => textOf.call(made, sequence) },
        train,
        requireTraining() {
          made.requireTraining?.();
          // What a batch lacks is better known before workers start.
          train({ step: 0, microBatch: 0 });
        },
        *evaluation(sequence) {
          for (const batch of within("a batch", () => made.evaluation(sequence))) {
            yield within("a batch", () => whole(batch));
          }
        },
      };
    },
  };
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

/** What a batch is held to. */
interface Promised {
  readonly task: Task;
  /** Windows B. */
  readonly windows: number;
}

function requireBatch(batch: Batch, { task, windows }: Promised): void {
  for (const [name, { shape, dtype }] of Object.entries(task.tensors)) {
    const found = batch.tensors[name];
    const length = shape.reduce((product, size) => product * size, windows);
    const isTyped = dtype === "u32" ? found instanceof Uint32Array : found instanceof Float32Array;
    if (isTyped && found?.length === length) continue;
    const got = found === undefined ? "none" : isTyped ? found.length : "another type";
    throw new RangeError(`need ${name} ${dtype} of ${length} elements: got ${got}`);
  }
  requireBelow(batch, { name: "tokens", below: task.vocabulary });
  requireBelow(batch, { name: "targets", below: task.classes });
  if (Number.isInteger(batch.counted) && batch.counted >= 0) return;
  throw new RangeError(`need counted, the number of targets that count: got ${batch.counted}`);
}

/** The tensors that Shoal's own models read as ids hold ids. */
function requireBelow(
  { tensors }: Batch,
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
