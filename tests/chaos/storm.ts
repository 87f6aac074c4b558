/**
 * Runs of real processes under random faults: each starts fresh, gets faults at random
 * times, is resumed if it ended before its last step, and must end in the state of an
 * undisturbed run.
 */
import { assert } from "@std/assert";
import { atUnload } from "../../src/base/unload.ts";
import { listCheckpoints } from "../../src/checkpoint/load.ts";
import { descriptors, isWorker } from "../faults/support/proc.ts";
import { args, type Family, Lab, pause } from "../faults/support/support.ts";
import { copyCheckout, namesIn, type Running } from "../e2e/support.ts";
import { sendControl, type WorkersChange } from "../../workers/run/control.ts";
import * as harm from "./harm.ts";
import { type Fault, faultOf, type Kind, KINDS } from "./plan.ts";

/** Parameters of a storm. */
export interface StormOptions {
  readonly seed: number;
  readonly family: Family;
  readonly steps: number;
  /** Initial number of workers. */
  readonly workers: number;
  /** Mean milliseconds between two faults. */
  readonly mtbf: number;
  /** Number of the first fault: earlier ones belong to other storms of the seed. */
  readonly first: number;
}

/** The results of a storm. */
export interface Storm {
  readonly faults: Readonly<Record<Kind, number>>;
  /** Number of the next fault. */
  readonly next: number;
  /** Milliseconds from the start to the end, and of an undisturbed run. */
  readonly ms: number;
  /** Steps computed, and steps committed. */
  readonly computed: number;
  readonly steps: number;
  /** Resumes, and restarts without a checkpoint. */
  readonly resumed: number;
  readonly begun: number;
  /** Most descriptors that a coordinator had open. */
  readonly descriptors: number;
  /** Errors at the end; empty if there are none. */
  readonly wrong: readonly string[];
}

/** Further arguments of runs: many restarts and short deadlines. */
const MORE = [
  "--recovery.restarts=100000",
  "--recovery.deadline_s=1",
  "--checkpoint.every=20",
  "--eval.every=50",
  "--guard.hash_every=25",
];

/** Timeout of a process, ms, under any faults. */
const HUNG = 180_000;

/** Arguments of a run in a storm. */
export function stormArgs(family: Family, out: string, options: {
  steps: number;
  workers: number;
}): string[] {
  const { steps, workers } = options;
  return args(family, out, ...MORE, `--steps=${steps}`, `--workers=${workers}`);
}

/** Trains through a storm. `state`: the final state of an undisturbed run. */
export async function weather(state: unknown, options: StormOptions): Promise<Storm> {
  using lab = new Lab({ limit: HUNG });
  using _unload = atUnload(() => lab[Symbol.dispose]());
  const storm = new Weather(lab, options);
  return await storm.pass(state);
}

class Weather {
  readonly #lab: Lab;
  readonly #options: StormOptions;
  readonly #faults: Record<Kind, number>;
  #next: number;
  #running: Running | undefined;
  #computed = 0;
  #resumed = 0;
  #begun = 0;
  #descriptors = 0;
  #over = false;
  /** The output of the run's processes, and the faults between. */
  #transcript = "";
  readonly #stopped: number[] = [];
  /** The checkout of the runs: a copy, since its code is changed. */
  readonly #checkout: string;
  /** Whether the process has finished a step, which fixes the identity of the run. */
  #underway = false;
  /** Changes of the environment that may still be in force. */
  readonly #harms: harm.Harm[] = [];
  /** The faults of the next process. */
  readonly #after: harm.Harm[] = [];

  constructor(lab: Lab, options: StormOptions) {
    this.#lab = lab;
    this.#options = options;
    this.#next = options.first;
    this.#checkout = copyCheckout(lab.of("checkout"));
    this.#faults = Object.fromEntries(Object.keys(KINDS).map((k) => [k, 0])) as Record<
      Kind,
      number
    >;
  }

  async pass(state: unknown): Promise<Storm> {
    const start = performance.now();
    const wind = this.#blow();
    const wrong: string[] = [];
    try {
      await this.#train();
    } catch (error) {
      wrong.push(error instanceof Error ? error.message : String(error));
    }
    const ms = performance.now() - start;
    this.#over = true;
    await wind;
    if (wrong.length === 0) wrong.push(...await this.#faultsOf(state));
    if (wrong.length > 0) wrong.push(`all of it is kept in ${this.#keep()}`);
    return {
      faults: this.#faults,
      next: this.#next,
      ms,
      computed: this.#computed,
      steps: this.#options.steps,
      resumed: this.#resumed,
      begun: this.#begun,
      descriptors: this.#descriptors,
      wrong,
    };
  }

  /** Starts and resumes until the last step is done. */
  async #train(): Promise<void> {
    const lab = this.#lab;
    const { family } = this.#options;
    while (true) {
      const found = await listCheckpoints(lab.of("run/checkpoints"));
      let line = ["--resume=run"];
      if (found.length === 0) {
        await Deno.remove(lab.of("run"), { recursive: true }).catch(() => {});
        line = stormArgs(family, "run", this.#options);
        this.#begun++;
      } else this.#resumed++;
      const running = lab.start(line, {}, this.#checkout);
      this.#running = running;
      running.line(/^step +\d+\//).then(() => this.#underway = true, () => {});
      const { code, stdout, stderr, ms } = await running.ended;
      this.#running = undefined;
      this.#underway = false;
      const harms = this.#harms.splice(0);
      await Promise.all(harms.map((each) => each.undo()));
      this.#harms.push(...this.#after.splice(0));
      this.#transcript += `${line.join(" ")}\n${stdout}${stderr}exit code ${code}\n`;
      this.#computed += stdout.match(/^step +\d+\//gm)?.length ?? 0;
      const told = /Stopped (at step|before)/.test(stdout);
      const killed = [130, 128 + 9, 128 + 15].includes(code); // 130: told to stop twice
      const met = harms.some(({ codes }) => codes.includes(code));
      assert(code === 0 || killed || met, `Exit code ${code}: ${stderr}`);
      assert(ms < HUNG, `A run was hung:\n${stdout.slice(-500)}`);
      const gone = await lab.untilGone();
      assert(gone < 3000, `Workers outlived their coordinator by ${gone.toFixed(0)} ms`);
      // Under a quota the summary may be missing; the run says so, and a resume writes it.
      const unwritten = /--resume=\S+ writes it/.test(stdout + stderr);
      if (code === 0 && !told && !unwritten) return;
    }
  }

  /** Injects faults until the storm is over. */
  async #blow(): Promise<void> {
    const { seed, mtbf } = this.#options;
    for (let n = this.#next; !this.#over; n++) {
      const fault = faultOf(seed, n, mtbf);
      this.#next = n + 1; // one that would come later than the storm ends is none of the next one
      await this.#calm(fault.after);
      const running = this.#running;
      if (this.#over) return;
      if (running === undefined) continue;
      this.#transcript += `fault ${n}: ${JSON.stringify(fault)}\n`;
      if (await this.#strike(fault, running).catch(() => false)) this.#faults[fault.kind]++;
    }
  }

  /** Waits, at most until the end of the storm. */
  async #calm(ms: number): Promise<void> {
    for (const end = performance.now() + ms; performance.now() < end && !this.#over;) {
      await pause(Math.min(50, Math.max(1, end - performance.now())));
    }
  }

  /** Injects a fault; false if there was no target. */
  async #strike({ kind, whom, ms }: Fault, running: Running): Promise<boolean> {
    // Not a process that loads a config.
    const workers = this.#lab.processes().filter(isWorker);
    const worker = workers[Math.floor(whom * workers.length)];
    switch (kind) {
      case "worker killed":
        return worker !== undefined && kill(worker, "SIGKILL");
      case "worker stopped for ever":
        if (worker === undefined || !kill(worker, "SIGSTOP")) return false;
        this.#stopped.push(worker);
        return true;
      case "worker stopped for a while":
        if (worker === undefined || !kill(worker, "SIGSTOP")) return false;
        setTimeout(() => kill(worker, "SIGCONT"), ms);
        return true;
      case "coordinator killed":
        return this.#killCoordinator(running);
      case "coordinator stopped for a while":
        running.kill("SIGSTOP");
        await pause(ms);
        running.kill("SIGCONT");
        return true;
      case "told to stop":
        running.kill("SIGTERM");
        return true;
      case "one worker more":
        return await this.#change({ add: 1 });
      case "one worker fewer":
        return await this.#change({ remove: 1 });
      case "code changed":
        return await this.#meet(() => harm.changeCode(this.#checkout), { worker, ms });
      case "data changed":
        return await this.#meet(() => harm.changeData(this.#lab.of("text.txt")), { worker, ms });
      case "folder moved":
        return await this.#meet(() => harm.moveFolder(this.#lab.of("run")), { ms });
      case "quota exceeded":
        if (!QUOTA) return false;
        return await this.#meet(() => harm.exceedQuota(running.pid), { ms });
      case "bit of the journal flipped":
        if (!this.#underway) return false;
        // The next process reads it.
        this.#after.push(harm.flipBit(this.#lab.of("run/journal.jsonl"), whom));
        return this.#killCoordinator(running);
    }
  }

  #killCoordinator(running: Running): true {
    running.kill("SIGKILL");
    // Resume stopped workers: without a coordinator, nothing would end them.
    for (const pid of this.#stopped.splice(0)) kill(pid, "SIGCONT");
    return true;
  }

  /**
   * Changes a run's environment for a while. `worker`: killed, so that its replacement is affected
   * too.
   */
  async #meet(
    change: () => harm.Harm,
    { worker, ms }: { worker?: number | undefined; ms: number },
  ): Promise<boolean> {
    if (!this.#underway) return false;
    const met = change();
    this.#harms.push(met);
    if (worker !== undefined) kill(worker, "SIGKILL");
    await this.#calm(ms);
    await met.undo();
    return true;
  }

  async #change(change: WorkersChange): Promise<boolean> {
    const pid = this.#running?.pid;
    if (pid !== undefined) this.#descriptors = Math.max(this.#descriptors, descriptors(pid));
    // Refused at the limits, and while a run starts or ends; then nothing happens.
    return await sendControl(this.#lab.of("run"), { type: "workers", change })
      .then(() => true, () => false);
  }

  /** Copies the run and the output of its processes to a permanent folder. */
  #keep(): string {
    const kept = Deno.makeTempDirSync({ prefix: "shoal-chaos-" });
    Deno.writeTextFileSync(`${kept}/transcript.txt`, this.#transcript);
    new Deno.Command("cp", { args: ["-r", this.#lab.path, kept] }).outputSync();
    return kept;
  }

  async #faultsOf(state: unknown): Promise<string[]> {
    const end = this.#lab.stateHash("run");
    const left = namesIn(this.#lab.of("tmp"));
    try {
      await this.#lab.assertEnded("run", { state, steps: this.#options.steps });
      return [];
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      return [`state ${end}, expected ${state}; left ${left.join(", ") || "nothing"}: ${text}`];
    }
  }
}

/** Whether a quota can be exceeded here. */
const QUOTA = harm.canExceedQuota();

function kill(pid: number, signal: Deno.Signal): boolean {
  try {
    Deno.kill(pid, signal);
    return true;
  } catch {
    return false; // it has ended by itself meanwhile
  }
}
