/**
 * Measures the step times of several workers that compute at the same time, each in a process on its
 * own card or on a shared device. They do not communicate.
 */
import { maxOf } from "../../src/base/extremes.ts";
import { cardOf, type PinnedCard } from "../../src/cards/pin.ts";
import type { RunConfig } from "../../src/config/schema.ts";
import { type Backend, selectBackend } from "../../src/device/backend.ts";
import { processMode } from "../../src/device/v8.ts";
import { lineReader } from "../launch/lines.ts";
import type { Probed } from "../../src/engine/probe.ts";
import { CHILD, environment } from "../launch/spawn.ts";

/** The request to each process. */
export interface ProbeRequest {
  readonly config: RunConfig;
  readonly steps: number;
  readonly workers: number;
  readonly backend: Backend;
  /** As in `CpuMode`. */
  readonly pairs: boolean;
}

/** Deadline for all to be warm, and then done, ms: kernels may take long to compile. */
const PATIENCE = 300_000;

/**
 * The times of the slowest of `config.workers` processes, which are those of a step. The last line of
 * its stderr if one of them ends early, as it does when memory is short.
 */
export async function probeTogether(
  { config, steps, cards }: {
    readonly config: RunConfig;
    readonly steps: number;
    readonly cards: readonly PinnedCard[];
  },
): Promise<Probed | string> {
  const { workers } = config;
  const signal = AbortSignal.timeout(PATIENCE);
  const { flags, pairs } = processMode(config.device, Deno.version.deno);
  const children = Array.from(
    { length: workers },
    (_, i) => start({ workers, pin: cardOf(cards, i)?.pin ?? {}, flags, signal }),
  );
  try {
    const backend = selectBackend();
    const request: ProbeRequest = { config, steps, workers, backend, pairs };
    await Promise.all(children.map((child) => child.send(JSON.stringify(request))));
    const warm = await Promise.all(children.map((child) => child.line()));
    const cold = children.find((_, i) => warm[i] !== "warm");
    if (cold !== undefined) return await cold.why();
    await Promise.all(children.map((child) => child.send("go")));
    const lines = await Promise.all(children.map((child) => child.line()));
    const ended = children.find((_, i) => lines[i] === undefined);
    if (ended !== undefined) return await ended.why();
    return slowest(lines.map((line) => JSON.parse(line as string)));
  } finally {
    await Promise.all(children.map((child) => child.end()));
  }
}

/** A step waits for the slowest worker, in its micro-batches and in its update. */
function slowest(all: readonly Probed[]): Probed {
  return {
    micro_batches: all.reduce((sum, { micro_batches }) => sum + micro_batches, 0),
    micro_batch_seconds: maxOf(all.map((each) => each.micro_batch_seconds)),
    update_seconds: maxOf(all.map((each) => each.update_seconds)),
  };
}

interface Child {
  send(line: string): Promise<void>;
  /** The next line of stdout; undefined when the process has ended. */
  line(): Promise<string | undefined>;
  /** Why it ended: the last line of its stderr. */
  why(): Promise<string>;
  end(): Promise<void>;
}

function start(
  { workers, pin, flags, signal }: {
    workers: number;
    pin: Readonly<Record<string, string>>;
    flags: string | undefined;
    signal: AbortSignal;
  },
): Child {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...CHILD,
      ...flags === undefined ? [] : [`--v8-flags=${flags}`],
      "--allow-read",
      new URL("./probe_child.ts", import.meta.url).href,
    ],
    clearEnv: true,
    env: { ...environment(workers), ...pin },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
    signal,
  }).spawn();
  const writer = child.stdin.getWriter();
  const stderr = new Response(child.stderr).text();
  return {
    async send(line) {
      // A process that has ended is noticed by its missing line.
      await writer.write(new TextEncoder().encode(line + "\n")).catch(() => {});
    },
    line: lineReader(child.stdout),
    async why() {
      const last = (await stderr).trim().split("\n").at(-1);
      return last || `it ended with code ${(await child.status).code}`;
    },
    async end() {
      try {
        child.kill("SIGKILL");
      } catch {
        // It has ended by itself.
      }
      await Promise.all([child.status, stderr]);
    },
  };
}
