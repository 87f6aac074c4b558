/**
 * Runs with injected faults in separate processes: two model families, a plan of the
 * faults, and invariants to check after every test.
 */
import { assert, assertEquals } from "@std/assert";
import { loadNewest } from "../../../src/checkpoint/load.ts";
import { lockRun } from "../../../src/checkpoint/lock/lock.ts";
import { journalFault } from "../../../src/report/journal/journal.ts";
import { assertStepsOnce } from "../../e2e/metrics.ts";
import { type Ended, namesIn, Place, ROOT, type Running, SMOKE } from "../../e2e/support.ts";
import { sharedOnce } from "../../support/shared.ts";
import { shell } from "./proc.ts";

/** Model families: one without and one with carried states. */
export const FAMILIES = ["gpt", "lstm"] as const;
/** A family. */
export type Family = typeof FAMILIES[number];

/** Steps of a run. */
export const STEPS = 24;
/** Timeout of a run, ms. */
const LIMIT = 40_000;

/** Micro-batches of a step. */
export const MICRO_BATCHES = 8;

const OF_FAMILY: Readonly<Record<Family, readonly string[]>> = {
  gpt: [SMOKE],
  lstm: [
    ROOT + "configs/lstm_char.ts",
    "--data.bptt=16",
    "--model.width=12",
    "--model.layers=2",
    "--model.dropout=0.2",
  ],
};

/** Arguments of a run of `STEPS` small steps with one worker; `more` wins over them. */
export function args(family: Family, out: string, ...more: readonly string[]): string[] {
  return [
    ...OF_FAMILY[family],
    "--data=text.txt",
    `--out=${out}`,
    "--workers=1",
    `--steps=${STEPS}`,
    `--micro_batches=${MICRO_BATCHES}`,
    "--micro_batch_size=1",
    "--checkpoint.every=8",
    "--eval.every=12",
    "--eval.windows=4",
    "--report.sample_length=0",
    "--report.progress_every=1",
    ...more,
  ];
}

/** An entry of a journal. */
export type Entry = Readonly<Record<string, unknown>> & {
  readonly kind: string;
  /** Seconds on the clock of its process. */
  readonly at: number;
};

/** A folder of runs with injected faults. */
export class Lab extends Place {
  readonly #limit: number;
  #plans = 0;

  /** `limit`: timeout of a run in ms; it is then killed, and its test fails. */
  constructor({ limit = LIMIT }: { limit?: number } = {}) {
    super();
    this.#limit = limit;
  }

  /** Starts a run whose workers use one core each, so that times are comparable. */
  override start(
    line: readonly string[],
    env: Readonly<Record<string, string>> = {},
    checkout?: string,
  ): Running {
    const running = super.start(line, { LP_NUM_THREADS: "1", ...env }, checkout);
    if (this.#limit === Infinity) return running;
    const timer = setTimeout(() => {
      console.error(`Still running after ${this.#limit / 1000} s: ${line.join(" ")}`);
      running.kill("SIGKILL");
    }, this.#limit);
    running.ended.finally(() => clearTimeout(timer));
    return running;
  }

  /** Arguments that inject faults into a run. */
  faults(...plan: readonly unknown[]): string[] {
    const path = this.of(`plan-${this.#plans++}.json`);
    Deno.writeTextFileSync(path, JSON.stringify(plan));
    return [`--faults=${path}`, "--testing"];
  }

  /** Runs to a successful end, ignoring stderr. */
  async finish(line: readonly string[]): Promise<Ended> {
    const ended = await this.run(line);
    assert(ended.code === 0, `Exit code ${ended.code}\n${ended.stderr}\n${ended.stdout}`);
    return ended;
  }

  /** The journal entries of a run, of one kind or all. */
  journal(out: string, kind?: string): Entry[] {
    const lines = Deno.readTextFileSync(this.of(`${out}/journal.jsonl`)).split("\n").slice(0, -1);
    return lines.map((line): Entry => JSON.parse(line))
      .filter((entry) => kind === undefined || entry.kind === kind);
  }

  /** Entries about lost workers. */
  losses(out: string): Entry[] {
    return this.journal(out, "membership").filter(({ reason }) => /is lost: /.test(String(reason)));
  }

  /**
   * Checks the run's final state, that each step is recorded once, and that nothing is left behind.
   */
  async assertEnded(out: string, { state, steps = STEPS }: {
    state: unknown;
    steps?: number;
  }): Promise<void> {
    assertEquals(this.stateHash(out), state);
    assertStepsOnce(this.of(`${out}/metrics.jsonl`), steps);
    await this.assertSettled(out);
  }

  /** Invariants after every test. */
  async assertSettled(out: string): Promise<void> {
    this.assertQuiet();
    assertEquals(shell("cat /proc/net/unix").split("\n").filter((s) => s.includes(this.path)), []);
    const path = this.of(out);
    const names = namesIn(path);
    assert(!names.some((name) => name.startsWith(".control")), `left in ${out}: ${names}`);
    assertEquals(journalFault(Deno.readTextFileSync(`${path}/journal.jsonl`)), undefined);
    using _free = await lockRun(path);
    const saved = namesIn(`${path}/checkpoints`);
    assertEquals(saved.filter((name) => name.startsWith(".")), []);
    await loadNewest(`${path}/checkpoints`, {
      onSkip: (skipped, reason) => assert(false, `${skipped}: ${reason}`),
      quarantine: false,
    });
  }

  /** Waits until no process of the folder is left; returns the milliseconds. */
  async untilGone(limit = 5000): Promise<number> {
    const start = performance.now();
    while (this.processes().length > 0 && performance.now() - start < limit) await pause(10);
    return performance.now() - start;
  }
}

const GOLDEN = new Map<string, unknown>();

/**
 * State of an undisturbed run of one worker, computed once per file of tests, or once for all files
 * where they share a folder.
 */
export async function golden(family: Family, ...more: readonly string[]): Promise<unknown> {
  const key = [family, ...more].join(" ");
  const state = GOLDEN.get(key) ?? await sharedOnce(`golden ${key}`, async () => {
    using lab = new Lab();
    await lab.succeed(args(family, "golden", ...more));
    return lab.stateHash("golden");
  });
  GOLDEN.set(key, state);
  return state;
}

/** Waits for so many milliseconds. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Matches the line of a finished step. */
export function stepLine(step: number): RegExp {
  return new RegExp(`^step +${step}/`);
}
