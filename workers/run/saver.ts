/** Writes a run's checkpoints and removes those that are kept no longer. Needs the run's lock. */
import { join } from "node:path";
import { FileFault, writingFault } from "../../src/base/file_fault.ts";
import { VERSION } from "../../src/base/version.ts";
import { saveCheckpoint } from "../../src/checkpoint/commit.ts";
import type { Disk } from "../../src/checkpoint/disk.ts";
import { listCheckpoints } from "../../src/checkpoint/load.ts";
import { applyRetention } from "../../src/checkpoint/retention.ts";
import { setNonFiniteAside } from "../../src/checkpoint/non_finite.ts";
import { VerifiedSteps } from "../../src/checkpoint/verified.ts";
import { configHash } from "../../src/config/identity.ts";
import type { RunConfig } from "../../src/config/schema.ts";
import { taskOf } from "../../src/data/sources/mod.ts";
import type { EventSink } from "../../src/report/events.ts";
import type { RunRequest } from "../coordinator/context.ts";
import type { Data } from "../../src/corpus/data.ts";
import type { Faults } from "../faults/plan.ts";
import { injectOwnFault } from "../faults/self.ts";
import type { Note } from "../group/worker_group.ts";
import { openValidated } from "../../src/artifacts/validate_state.ts";

/** What a saver needs of its run. */
export interface SaverOptions {
  readonly config: RunConfig;
  /** The run's folder. */
  readonly out: string;
  /** Refuses as `locked` once the run's lock is lost. */
  readonly disk: Disk;
  readonly data: Data;
  readonly report: EventSink;
  readonly note: (kind: string, note: Note) => void;
  readonly faults: Faults;
  /** Reads a checkpoint that is counted on; throws Damage for one that is not whole (default openValidated). */
  readonly open?: (path: string) => Promise<unknown>;
}

/** Milliseconds after which the last state is written once more. */
const PAUSE = 1000;

/**
 * Saves states of a run; what it gives is undefined where the disk did not take one. The last state is
 * tried twice; if it is lost as well that is a Refusal, `tooLarge` or `lost`. Removes checkpoints that
 * are not kept.
 */
export function saver(
  { config, out, disk, data, report, note, faults, open = openValidated }: SaverOptions,
): Required<Pick<RunRequest, "save" | "prune" | "setAside">> {
  const root = join(out, "checkpoints");
  const windowsPerStep = config.micro_batches * config.micro_batch_size;
  const { time } = taskOf(config.data, data.corpus.vocabulary);
  const verified = new VerifiedSteps(open);
  const faultOf = (error: unknown) => writingFault(error, { doing: "save to", path: root });
  const tell = (text: string) => report({ type: "notice", text });
  /** What is kept too long is removed after another save. */
  const prune = async (sound: number) => {
    try {
      const removed = await applyRetention(root, config.checkpoint, { verified, sound, disk });
      if (removed.length > 0) note("removed", { steps: removed });
    } catch (error) {
      const fault = faultOf(error);
      if (fault === undefined) throw error;
      tell(`${fault.message}; older checkpoints stay until the next one`);
    }
  };
  const setAside = async (sound: number) => {
    const listed = await listCheckpoints(root);
    const ruined = listed.filter(({ step }) => step > sound);
    for (const { step, path } of ruined) {
      const kept = await setNonFiniteAside(path, disk);
      note("set_aside", { steps: [step] });
      tell(
        `Set the checkpoint of step ${step} aside as ${kept}: its training loss is not finite`,
      );
    }
    return listed.find(({ step }) => step <= sound)?.step;
  };
  const save: RunRequest["save"] = async (state, { stallMs, last, ...at }) => {
    const { step, adapter, shaders, kernels, probe, workers, valLoss, skipped } = at;
    const draft = {
      ...state,
      ...!Number.isFinite(valLoss ?? 0) && { ruin: `its validation loss is ${valLoss}` },
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
        probe,
        deno: Deno.version.deno,
        shoal: VERSION,
        skipped,
        valLoss,
        position: { window: step * windowsPerStep },
      },
    };
    try {
      const at = async (point: string) => {
        for (const deed of faults.own(step, `save: ${point}`)) await injectOwnFault(deed);
      };
      report({ type: "saving", step });
      const write = () => saveCheckpoint(root, draft, { at, disk });
      const saved = !last ? await write() : await write().catch(async (error) => {
        if (faultOf(error) === undefined) throw error;
        await new Promise((resolve) => setTimeout(resolve, PAUSE));
        return await write();
      });
      const { path, ms, bytes, manifest } = saved;
      note("saved", { step, state: manifest.stateHash, ms: Math.round(ms), stall_ms: stallMs });
      report({ type: "checkpoint", step, path, ms, bytes, stallMs });
      return manifest.stateHash;
    } catch (error) {
      // What the disk does costs a checkpoint, not the run; the last one is the run's result.
      const fault = faultOf(error);
      if (fault === undefined) throw error;
      note("not_saved", { step, reason: fault.message });
      if (last) throw await unsaved(fault, { step, root });
      tell(`${fault.message}; training goes on without this checkpoint`);
      return undefined;
    }
  };
  return { save, prune, setAside };
}

/** That the state a run ends with is lost, and what is left. */
async function unsaved(
  { exit, message }: FileFault,
  { step, root }: { step: number; root: string },
): Promise<FileFault> {
  const listed = await listCheckpoints(root).catch(() => []);
  // One of this step may be there, but who knows for how long.
  const newest = listed.find((one) => one.step < step);
  const left = newest === undefined
    ? "there is no checkpoint"
    : `the newest is of step ${newest.step}`;
  return new FileFault(
    exit === "tooLarge" ? exit : "lost",
    `${message}; step ${step} is not saved, ${left}`,
  );
}
