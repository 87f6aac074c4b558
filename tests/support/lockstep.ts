/** Whole runs in one process: a coordinator, trainers over memory channels, state kept in memory. */
import { hashValue } from "../../src/base/hash.ts";
import type { PinnedCard } from "../../src/cards/pin.ts";
import { stateHash } from "../../src/checkpoint/state_hash.ts";
import type { Checkpoint } from "../../src/checkpoint/verify.ts";
import { configHash } from "../../src/config/identity.ts";
import type { RunConfig } from "../../src/config/schema.ts";
import { sourceMakerOf } from "../../src/data/sources/mod.ts";
import { imageCorpus } from "../data/images/fixture.ts";
import { charTokenizer } from "../../src/data/tokenizers/char.ts";
import { encodePairs } from "../../src/data/pairs/encode.ts";
import { split } from "../../src/data/windows.ts";
import type { RunEvent } from "../../src/report/events.ts";
import type { Rules } from "../../src/membership/types.ts";
import {
  coordinate,
  type RunOutcome,
  type RunRequest,
  type SavedAt,
} from "../../workers/coordinator/coordinator.ts";
import { type Corpus, corpusIn } from "../../src/corpus/corpus.ts";
import { withSourceTokens } from "../../src/corpus/settled.ts";
import type { NamedState } from "../../src/engine/state.ts";
import type { Note } from "../../workers/group/options.ts";
import { randomTokens } from "./gpt.ts";
import { launchWithFaults } from "../../workers/faults/launch.ts";
import type { Faults } from "../../workers/faults/plan.ts";
import { injectOwnFaults } from "../../workers/faults/self.ts";
import { memoryLaunch, type MemoryProcesses, type OpenDevice } from "./worker_processes.ts";

/** A text of 600 letters in a round, every fourth at random, as tokens. */
export function letters(config: RunConfig): Corpus {
  if (config.data.source === "pairs") return letterPairs(config);
  const codes = randomTokens(600, 11).map((t, i) => 97 + (i % 4 === 0 ? t : i % 11));
  const text = "\n" + String.fromCharCode(...codes);
  const tokenizer = withSourceTokens(charTokenizer(text), config.data);
  const parts = split(tokenizer.encode(text), config.data);
  return corpusIn({ ...parts, vocabulary: tokenizer.size, tokenizer });
}

/** Words of letters, and the same words backwards in capitals. */
function letterPairs({ data }: RunConfig): Corpus {
  const most = data.seq_len - 1;
  const pairs = Array.from({ length: 120 }, (_, i) => {
    const letters = Array.from(
      { length: 1 + i % most },
      (_, k) => String.fromCharCode(97 + (7 * i + 3 * k * k) % 9),
    );
    return { source: letters.join(""), target: letters.toReversed().join("").toUpperCase() };
  });
  const both = pairs.map(({ source, target }) => source + target).join("");
  const tokenizer = withSourceTokens(charTokenizer(both), data);
  const encoding = { tokenizer, most: data.seq_len, validation: 0.2, name: "letters" };
  const { train, validation } = encodePairs(pairs, encoding);
  return corpusIn({
    train: train.tokens,
    validation: validation.tokens,
    begins: { train: train.begins, validation: validation.begins },
    vocabulary: tokenizer.size,
    tokenizer,
  });
}

/** The data of a test's run: images or letters, as its source reads them. */
export function corpusFor(config: RunConfig): Corpus {
  return sourceMakerOf(config.data).needsImages ? imageCorpus(config) : letters(config);
}

/** How a run went: its outcome, its events, and its saved states as checkpoints. */
export interface RunRecord {
  readonly outcome: RunOutcome;
  readonly events: readonly RunEvent[];
  readonly saved: readonly Checkpoint[];
  /** What the journal would hold. */
  readonly notes: readonly { kind: string; note: Note }[];
}

/** What a run in one process may be given. */
export interface LockstepOptions {
  /** Number of workers. */
  readonly world: number;
  readonly openDevice: OpenDevice;
  /** The training data (default letters). */
  readonly corpus?: Corpus;
  readonly from?: Checkpoint | undefined;
  /** Parameters that it begins with. */
  readonly initial?: Checkpoint["model"];
  /** Cards by worker slot. */
  readonly cards?: readonly PinnedCard[];
  readonly stop?: AbortSignal;
  readonly faults?: Faults;
  readonly rules?: Partial<Rules>;
  /** Called before each save; undefined makes the save fail as on a disk fault. */
  readonly saves?: (at: SavedAt) => true | undefined | Promise<true | undefined>;
  /** Called with each entry of the journal before it counts; throws where it cannot be written. */
  readonly records?: RunRequest["note"];
  /** What is wrong with the data at a step, asked once a worker is lost. */
  readonly examine?: RunRequest["examine"];
  /** Called with each event, and the processes of the run. */
  readonly watch?: (event: RunEvent, processes: MemoryProcesses) => void;
}

/** Runs `config` to its end, or until it is stopped. */
export async function lockstep(config: RunConfig, options: LockstepOptions): Promise<RunRecord> {
  const { world, openDevice, corpus = corpusFor(config), from, initial } = options;
  const { cards, stop, faults, rules, watch, saves, records, examine } = options;
  const { launch, processes } = memoryLaunch(openDevice);
  const step = from?.manifest.step ?? 0;
  const write = (kind: string, note: Note, sync?: boolean) => {
    records?.(kind, note, sync);
    notes.push({ kind, note });
  };
  const events: RunEvent[] = [];
  const saved: Checkpoint[] = [];
  const notes: { kind: string; note: Note }[] = [];
  const outcome = await coordinate({
    config: { ...config, workers: world },
    corpus,
    launch: faults ? launchWithFaults(launch, { faults, step, note: write }) : launch,
    from,
    initial,
    report: (event) => {
      events.push(event);
      watch?.(event, processes());
    },
    note: write,
    ...(cards && { cards }),
    ...(stop && { stop }),
    ...(faults && { atPoint: injectOwnFaults(faults) }),
    ...(rules && { rules }),
    ...(examine && { examine }),
    save: async (state, at) => {
      if (saves !== undefined && await saves(at) === undefined) return undefined;
      saved.push(checkpointOf(config, state, at));
      return stateHash(at.step, state);
    },
    reload: () => Promise.resolve(saved.at(-1) ?? from),
    now: () => performance.now() / 1000,
  });
  return { outcome, events, saved, notes };
}

/** A state as a checkpoint that was never on disk. */
function checkpointOf(
  config: RunConfig,
  state: NamedState,
  { step, adapter }: { step: number; adapter: string },
): Checkpoint {
  const byName = (list: NamedState["model"]) => new Map(list.map((t) => [t.name, t]));
  return {
    path: "memory",
    model: byName(state.model),
    optimizer: byName(state.optimizer),
    manifest: {
      format: 1,
      step,
      tokens: 0,
      workers: 1,
      microBatches: config.micro_batches,
      seed: config.seed,
      config,
      configHash: configHash(config),
      dataHash: hashValue("letters"),
      tokenizer: null,
      adapter,
      shaders: "",
      kernels: "",
      probe: "",
      deno: "",
      skipped: [],
      valLoss: null,
      position: { window: 0 },
      stateHash: stateHash(step, state),
      files: [],
    },
  };
}
