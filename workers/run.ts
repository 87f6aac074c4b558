/**
 * A whole run with its effects: folder, lock, data, processes, checkpoints and reports. What is
 * trained is the coordinator's matter; what is asked for, the command line's.
 */
import { join } from "node:path";
import { saveCheckpoint } from "../src/checkpoint/commit.ts";
import { listCheckpoints, loadNewest } from "../src/checkpoint/load.ts";
import { lockRun } from "../src/checkpoint/lock.ts";
import { applyRetention, cleanLeftovers } from "../src/checkpoint/retention.ts";
import { stateHash } from "../src/checkpoint/state_hash.ts";
import type { Checkpoint } from "../src/checkpoint/verify.ts";
import { configHash, differences } from "../src/config/identity.ts";
import { resolveConfig } from "../src/config/resolve.ts";
import type { RunConfig } from "../src/config/schema.ts";
import { Refusal } from "../src/base/refusal.ts";
import { taskOf } from "../src/data/sources/mod.ts";
import { writeJsonAtomic } from "../src/report/atomic.ts";
import type { Sink } from "../src/report/events.ts";
import { metricsLog } from "../src/report/jsonl.ts";
import { reporter } from "../src/report/reporter.ts";
import { summaryOf } from "../src/report/summary.ts";
import { coordinate } from "./coordinator.ts";
import type { Run } from "./coordinator.ts";
import type { Launch } from "./crew.ts";
import { readData } from "./data.ts";
import type { Data } from "./data.ts";
import { missingFolders, removeUnused } from "./folder.ts";

/** What a run is asked to do. */
export interface RunRequest {
  readonly config: RunConfig;
  /** The run's folder. */
  readonly out: string;
  /** Go on from the newest good checkpoint in `out`. */
  readonly resume: boolean;
  readonly launch: Launch;
  /** Shows the run to a person. */
  readonly show: Sink;
  readonly stopping: () => boolean;
}

/** Runs to the end, or until asked to stop. @throws {Refusal} for what the user can mend. */
export async function runTraining(request: RunRequest): Promise<void> {
  const { config, out, resume, show } = request;
  if (resume) await requireCheckpoints(out);
  const fresh = resume ? undefined : await readData(config, undefined);
  const made = missingFolders(out);
  using _lock = await lockRun(out);
  try {
    if (!resume) await requireEmpty(out);
    const root = join(out, "checkpoints");
    await cleanLeftovers(root);
    const from = resume ? await loadNewest(root, { onSkip: skipNotice(show) }) : undefined;
    if (from !== undefined) {
      requireSameConfig(from, config);
      if (isDone(from, config)) {
        const text = `Nothing left to train: ${out} has finished step ${config.steps}`;
        return show({ type: "notice", text });
      }
    }
    const data = fresh ?? await readData(config, from);
    await train(request, { data, from });
  } catch (error) {
    removeUnused(made);
    throw error;
  }
}

async function train(
  { config, out, launch, show, stopping }: RunRequest,
  { data, from }: { data: Data; from: Checkpoint | undefined },
): Promise<void> {
  using metrics = metricsLog(join(out, "metrics.jsonl"), {
    warn: (text) => show({ type: "notice", text }),
  });
  const adapterNotice: Sink = (event) => {
    if (event.type !== "start" || from === undefined) return;
    const { adapter } = from.manifest;
    if (adapter === event.run.adapter) return;
    const text = `The checkpoint was computed on ${adapter}, this run on ${event.run.adapter}: ` +
      "its numbers may differ in the last bits";
    show({ type: "notice", text });
  };
  const tell = reporter([metrics.sink, show, adapterNotice]);
  const report: Sink = (event) => {
    // Only now is it sure that the workers can run this config: one that cannot leaves no trace.
    if (event.type === "start") writeJsonAtomic(join(out, "config.json"), config);
    tell(event);
  };
  const { steps, optim } = config;
  if (optim.schedule !== "constant" && steps > optim.decay_steps) {
    const text = `The learning rate reaches its minimum at step ${optim.decay_steps} ` +
      `(optim.decay_steps) and stays there until step ${steps}`;
    show({ type: "notice", text });
  }
  const crew = await launch(config.workers);
  const start = performance.now();
  const now = () => (performance.now() - start) / 1000;
  try {
    const save = saver({ config, out, data, report });
    const { corpus } = data;
    const end = await coordinate({
      config,
      corpus,
      crew,
      from,
      report,
      stopping,
      save,
      now,
    });
    const summary = summaryOf({ ...end, steps: end.step, workers: config.workers, seconds: now() });
    writeJsonAtomic(join(out, "summary.json"), summary);
    report({ type: "end", summary });
    const where = end.stopped
      ? `Stopped at step ${end.step}: go on with --resume=${out}`
      : `Everything lies in ${out}: checkpoints, metrics.jsonl, config.json, summary.json`;
    show({ type: "notice", text: where });
  } finally {
    await crew.close();
  }
}

/** Writes checkpoints of a run and removes those that are kept no longer. */
function saver(
  { config, out, data, report }: { config: RunConfig; out: string; data: Data; report: Sink },
): Run["save"] {
  const root = join(out, "checkpoints");
  const windowsPerStep = config.micro_batches * config.windows;
  return async (state, { step, adapter, last }) => {
    const hash = stateHash(step, state);
    const draft = {
      ...state,
      manifest: {
        step,
        tokens: step * windowsPerStep * taskOf(config.data, data.corpus.vocabulary).time,
        workers: config.workers,
        microBatches: config.micro_batches,
        seed: config.seed,
        config,
        configHash: configHash(config),
        dataHash: data.hash,
        tokenizer: data.corpus.tokenizer?.toJSON() ?? null,
        adapter,
        deno: Deno.version.deno,
        position: { window: step * windowsPerStep },
        stateHash: hash,
      },
    };
    try {
      const { path, ms, bytes } = await saveCheckpoint(root, draft);
      report({ type: "checkpoint", step, path, ms, bytes });
    } catch (error) {
      // A full disk costs a checkpoint, not the run; the last one is the run's result.
      if (last || !(error instanceof Refusal && error.exit === "tooLarge")) throw error;
      report({
        type: "notice",
        text: `${error.message}; training goes on without this checkpoint`,
      });
      return undefined;
    }
    await applyRetention(root, config.checkpoint.keep);
    return hash;
  };
}

function skipNotice(show: Sink): (path: string, reason: string) => void {
  return (path, reason) =>
    show({ type: "notice", text: `Skipped the damaged checkpoint ${path}: ${reason}` });
}

async function requireCheckpoints(out: string): Promise<void> {
  const found = await listCheckpoints(join(out, "checkpoints"));
  if (found.length > 0) return;
  throw new Refusal("config", `Cannot resume ${out}: it must hold a checkpoint, but none is there`);
}

async function requireEmpty(out: string): Promise<void> {
  const names = await Array.fromAsync(Deno.readDir(out), (entry) => entry.name);
  const left = names.filter((name) =>
    ["checkpoints", "metrics.jsonl", "summary.json"].includes(name)
  );
  if (left.length === 0) return;
  throw new Refusal(
    "config",
    `Cannot start in ${out}: it holds a run already: go on with --resume=${out}, or choose ` +
      "another --out",
  );
}

/** Whether the last step is done. @throws {Refusal} when it lies before the checkpoint. */
function isDone({ manifest }: Checkpoint, { steps, out }: RunConfig): boolean {
  if (manifest.step <= steps) return manifest.step === steps;
  throw new Refusal(
    "config",
    `Cannot resume ${out} to step ${steps}: it has finished step ${manifest.step} already`,
  );
}

function requireSameConfig(from: Checkpoint, config: RunConfig): void {
  const changed = differences(resolveConfig(from.manifest.config), config);
  if (changed.length === 0) return;
  throw new Refusal(
    "incompatible",
    `Cannot resume with another config (checkpoint against now): ${changed.join("; ")}`,
  );
}
