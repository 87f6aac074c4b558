/** Writes a run's checkpoints and applies retention. Needs the run's lock. */
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
import type { RunRequest } from "../coordinator/request.ts";
import type { Data } from "../../src/corpus/data.ts";
import type { Note } from "../group/options.ts";
import { openValidated } from "../../src/artifacts/validate_state.ts";

/** What a saver needs from its run. */
export interface SaverOptions {
  readonly config: RunConfig;
  /** The run's folder. */
  readonly out: string;
  /** Throws `locked` once the run's lock is lost. */
  readonly disk: Disk;
  readonly data: Data;
  readonly report: EventSink;
  readonly note: (kind: string, note: Note) => void;
  /** For tests: awaited at the points `save: ...` of a save. */
  readonly atPoint?: ((point: string, step: number) => Promise<void>) | undefined;
  /** Verifies a checkpoint that retention counts; throws Damage if it is not whole (default openValidated). */
  readonly open?: (path: string) => Promise<unknown>;
}

/** Pause before the last state is written again, ms. */
const PAUSE = 1000;

/**
 * The functions by which a coordinator saves, prunes and sets aside checkpoints. A save that the disk
 * does not take returns undefined; the last one is tried twice and then throws `tooLarge` or `lost`.
 */
export function saver(
  { config, out, disk, data, report, note, atPoint, open = openValidated }: SaverOptions,
): Required<Pick<RunRequest, "save" | "prune" | "setAside">> {
  const root = join(out, "checkpoints");
  const windowsPerStep = config.micro_batches * config.micro_batch_size;
  const { time } = taskOf(config.data, data.corpus.vocabulary);
  const verified = new VerifiedSteps(open);
  const faultOf = (error: unknown) => writingFault(error, { doing: "save to", path: root });
  const tell = (text: string) => report({ type: "notice", text });
  /** A disk fault keeps old checkpoints until the next save. */
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
    const { step, adapter, mode, shaders, kernels, probe, workers, valLoss, skipped } = at;
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
        ...mode !== undefined && { adapterInfo: { mode } },
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
      const at = async (point: string) => await atPoint?.(`save: ${point}`, step);
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
      // A disk fault costs a checkpoint, not the run; but the last one is the run's result.
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

/** The fault of a last state that is lost, with what is left. */
async function unsaved(
  { exit, message }: FileFault,
  { step, root }: { step: number; root: string },
): Promise<FileFault> {
  const listed = await listCheckpoints(root).catch(() => []);
  // A checkpoint of this very step may exist, but the disk has just failed to write it.
  const newest = listed.find((one) => one.step < step);
  const left = newest === undefined
    ? "there is no checkpoint"
    : `the newest is of step ${newest.step}`;
  return new FileFault(
    exit === "tooLarge" ? exit : "lost",
    `${message}; step ${step} is not saved, ${left}`,
  );
}
