/** Writes a run's checkpoints and removes those that are kept no longer. Needs the run's lock. */
import { join } from "node:path";
import { saveCheckpoint } from "../src/checkpoint/commit.ts";
import type { Disk } from "../src/checkpoint/disk.ts";
import { applyRetention } from "../src/checkpoint/retention.ts";
import { Verified } from "../src/checkpoint/verified.ts";
import { configHash } from "../src/config/identity.ts";
import type { RunConfig } from "../src/config/schema.ts";
import { Refusal } from "../src/base/refusal.ts";
import { taskOf } from "../src/data/sources/mod.ts";
import type { Sink } from "../src/report/events.ts";
import type { Run } from "./lead.ts";
import type { Data } from "./data.ts";
import type { Faults } from "./faults/plan.ts";
import { strikeSelf } from "./faults/self.ts";
import type { Note } from "./team.ts";

/** What a saver needs of its run. */
export interface SaverOptions {
  readonly config: RunConfig;
  /** The run's folder. */
  readonly out: string;
  /** Refuses as `locked` once the run's lock is lost. */
  readonly disk: Disk;
  readonly data: Data;
  readonly report: Sink;
  readonly note: (kind: string, note: Note) => void;
  readonly faults: Faults;
}

/** Saves states of a run; what it gives is undefined where the disk has no room. */
export function saver(options: SaverOptions): Run["save"] {
  const { config, out, disk, data, report, note, faults } = options;
  const root = join(out, "checkpoints");
  const windowsPerStep = config.micro_batches * config.windows;
  const { time } = taskOf(config.data, data.corpus.vocabulary);
  const verified = new Verified();
  return async (state, { stallMs, last, ...at }) => {
    const { step, adapter, shaders, kernels, workers, valLoss, skipped } = at;
    const draft = {
      ...state,
      manifest: {
        step,
        tokens: step * windowsPerStep * time,
        workers,
        microBatches: config.micro_batches,
        seed: config.seed,
        config,
        configHash: configHash(config),
        dataHash: data.hash,
        tokenizer: data.corpus.tokenizer?.toJSON() ?? null,
        adapter,
        shaders,
        kernels,
        deno: Deno.version.deno,
        skipped,
        valLoss,
        position: { window: step * windowsPerStep },
      },
    };
    try {
      const at = async (point: string) => {
        for (const deed of faults.own(step, `save: ${point}`)) await strikeSelf(deed);
      };
      report({ type: "saving", step });
      const { path, ms, bytes, manifest } = await saveCheckpoint(root, draft, { at, disk });
      note("saved", { step, state: manifest.stateHash, ms: Math.round(ms), stall_ms: stallMs });
      report({ type: "checkpoint", step, path, ms, bytes, stallMs });
      const removed = await applyRetention(root, config.checkpoint, { verified, disk });
      if (removed.length > 0) note("removed", { steps: removed });
      return manifest.stateHash;
    } catch (error) {
      // A full disk costs a checkpoint, not the run; the last one is the run's result.
      if (last || !(error instanceof Refusal && error.exit === "tooLarge")) throw error;
      note("not_saved", { step, reason: error.message });
      const text = `${error.message}; training goes on without this checkpoint`;
      report({ type: "notice", text });
      return undefined;
    }
  };
}
