/** Whole runs in this process, on the reference device, in a folder that tests may damage. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { EXIT, UserError } from "../../../src/base/user_error.ts";
import type { RunConfig } from "../../../src/config/schema.ts";
import { openReference } from "../../../src/device/reference.ts";
import type { FaultPlan } from "../../../workers/faults/schema.ts";
import type { EventSink } from "../../../src/report/events.ts";
import { runTraining, type TrainingRequest } from "../../../workers/run/run.ts";
import { names, TempFolder } from "../../checkpoint/fixture.ts";
import { memoryLaunch } from "../../support/worker_processes.ts";
import { randomTokens, tinyConfig } from "../../support/gpt.ts";

/** A folder with a text, and runs in it. */
export class Bench extends TempFolder {
  readonly run = `${this.path}/run`;
  readonly checkpoints = `${this.run}/checkpoints`;
  readonly notices: string[] = [];
  /** Whether to write through links in the run's folder. */
  followLinks = false;

  constructor() {
    super();
    const text = String.fromCharCode(...randomTokens(600, 11).map((t) => 97 + t));
    Deno.writeTextFileSync(`${this.path}/text.txt`, text);
  }

  config(more: Partial<RunConfig> = {}): RunConfig {
    const config = tinyConfig({ steps: 6, micro_batch_size: 1, workers: 1 });
    return {
      ...config,
      data: { ...config.data, path: `${this.path}/text.txt` },
      checkpoint: { ...config.checkpoint, every: 2 },
      report: { ...config.report, sample_length: 3, sample_every: 2 },
      ...more,
    };
  }

  /** What a run of 8 steps says that passes over those which are not finite. */
  get skipping(): Partial<RunConfig> {
    const { guard, checkpoint } = this.config();
    return {
      steps: 8,
      guard: { ...guard, policy: "skip" },
      checkpoint: { ...checkpoint, keep: 9 },
    };
  }

  /** Trains; `until` asks it to stop at that step. */
  async train(
    how: "begin" | "resume" | "restart",
    { config = {}, until = Infinity, killed = false, faults, watch }: {
      config?: Partial<RunConfig>;
      until?: number;
      killed?: boolean;
      faults?: FaultPlan;
      watch?: EventSink;
    } = {},
  ): Promise<void> {
    this.notices.length = 0;
    const stop = new AbortController();
    const request: TrainingRequest = {
      config: this.config(config),
      out: this.run,
      resume: how === "resume",
      followLinks: this.followLinks,
      restart: how === "restart",
      launch: memoryLaunch(() => Promise.resolve(openReference())).launch,
      show: (event) => {
        watch?.(event);
        if (event.type === "notice") this.notices.push(event.text);
        if (event.type !== "step" || event.step < until) return;
        stop.abort();
      },
      stop: stop.signal,
      ...(faults !== undefined && { faults }),
    };
    await runTraining(request);
    // A kill leaves all but what is written at the end.
    if (killed) this.forgetSaves();
  }

  /** What a run leaves that was killed before its first checkpoint. */
  forgetSaves(): void {
    Deno.removeSync(`${this.run}/summary.json`);
    Deno.removeSync(this.checkpoints, { recursive: true });
    const journal = `${this.run}/journal.jsonl`;
    const lines = Deno.readTextFileSync(journal).split("\n");
    Deno.writeTextFileSync(
      journal,
      lines.slice(0, lines.findIndex((line) => line.includes('"saved"'))).join("\n") + "\n",
    );
  }

  read(name: string): string {
    return Deno.readTextFileSync(`${this.run}/${name}`);
  }

  /** Steps that stand in a file of metrics. */
  steps(name = "metrics.jsonl"): number[] {
    return this.read(name).split("\n").slice(0, -1).map((line) => JSON.parse(line))
      .filter((line) => "loss" in line).map(({ step }) => step);
  }

  get hash(): unknown {
    return JSON.parse(this.read("summary.json")).state_hash;
  }

  /** Puts back what `contents` gave, and removes what came since. */
  restore(contents: Readonly<Record<string, string>>): void {
    for (const name of isFolder(this.run) ? names(this.run) : []) {
      Deno.removeSync(`${this.run}/${name}`, { recursive: true });
    }
    for (const [path, bytes] of Object.entries(contents)) {
      const whole = `${this.run}/${path}`;
      Deno.mkdirSync(whole.slice(0, whole.lastIndexOf("/")), { recursive: true });
      Deno.writeFileSync(whole, Uint8Array.from(bytes.split(" ").filter(Boolean), Number));
    }
  }

  /** Everything in the run's folder but its lock, with what files hold. */
  contents(folder = this.run, below = ""): Record<string, string> {
    const found: Record<string, string> = {};
    for (const { name, isDirectory, isFile } of Deno.readDirSync(folder)) {
      if (isDirectory) Object.assign(found, this.contents(`${folder}/${name}`, `${below}${name}/`));
      else if (isFile && name !== ".lock") {
        found[below + name] = Deno.readFileSync(`${folder}/${name}`).join(" ");
      }
    }
    return found;
  }

  /** Whether a resume is refused with this exit code; gives its line. */
  async refused(exit: number, config: Partial<RunConfig> = {}): Promise<string> {
    const error = await assertRejects(() => this.train("resume", { config }), UserError);
    assertEquals(EXIT[error.exit], exit, error.message);
    assert(!error.message.includes("\n"));
    return error.message;
  }
}

function isFolder(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}
