/** Whole runs in one process: a coordinator, trainers over memory channels, state kept in memory. */
import { hashValue } from "../../src/base/hash.ts";
import { stateHash } from "../../src/checkpoint/state_hash.ts";
import type { Checkpoint } from "../../src/checkpoint/verify.ts";
import { configHash } from "../../src/config/identity.ts";
import type { RunConfig } from "../../src/config/schema.ts";
import { charTokenizer } from "../../src/data/tokenizer.ts";
import { split } from "../../src/data/windows.ts";
import type { Device } from "../../src/device/types.ts";
import type { RunEvent } from "../../src/report/events.ts";
import { coordinate, type Outcome } from "../../workers/coordinator.ts";
import type { Corpus } from "../../workers/replica.ts";
import type { NamedState } from "../../workers/state.ts";
import { randomTokens } from "./gpt.ts";
import { type MemoryCrew, memoryCrew } from "./crew.ts";

/** A text of 600 letters in a round, every fourth at random, as tokens. */
export function letters(config: RunConfig): Corpus {
  const codes = randomTokens(600, 11).map((t, i) => 97 + (i % 4 === 0 ? t : i % 11));
  const text = "\n" + String.fromCharCode(...codes);
  const tokenizer = charTokenizer(text);
  const parts = split(tokenizer.encode(text), config.data);
  return { ...parts, vocabulary: tokenizer.size, tokenizer };
}

/** How a run went: its outcome, its events, and its saved states as checkpoints. */
export interface RunRecord {
  readonly outcome: Outcome;
  readonly events: readonly RunEvent[];
  readonly saved: readonly Checkpoint[];
}

/** What a run in one process may be given. */
export interface LockstepOptions {
  /** Number of workers. */
  readonly world: number;
  readonly openDevice: (kind: string, rank: number) => Promise<Device>;
  /** What is trained on; letters unless told. */
  readonly corpus?: Corpus;
  readonly from?: Checkpoint | undefined;
  readonly stopping?: () => boolean;
  /** Told the crew before the run, and each event. */
  readonly watch?: (event: RunEvent, crew: MemoryCrew) => void;
}

/** Runs `config` to its end, or to when it is asked to stop. */
export async function lockstep(config: RunConfig, options: LockstepOptions): Promise<RunRecord> {
  const { world, openDevice, corpus = letters(config), from, stopping = () => false, watch } =
    options;
  const crew = await memoryCrew(world, openDevice);
  const events: RunEvent[] = [];
  const saved: Checkpoint[] = [];
  try {
    const outcome = await coordinate({
      config,
      corpus,
      crew,
      from,
      report: (event) => {
        events.push(event);
        watch?.(event, crew);
      },
      stopping,
      save: (state, at) => {
        saved.push(checkpointOf(config, state, at));
        return Promise.resolve(stateHash(at.step, state));
      },
      now: () => performance.now() / 1000,
    });
    return { outcome, events, saved };
  } finally {
    await crew.close();
  }
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
      deno: "",
      position: { window: 0 },
      stateHash: stateHash(step, state),
      files: [],
    },
  };
}
