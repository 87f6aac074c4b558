/**
 * Measures training steps of one worker in this process: as they are, then once with each call in a
 * pass of its own, which tells when it ran. It keeps nothing and prints nothing.
 */
import { UserError } from "../../base/user_error.ts";
import type { RunConfig } from "../../config/schema.ts";
import type { PassTime, TimedDevice } from "../../device/types.ts";
import type { Corpus } from "../../corpus/corpus.ts";
import { Replica } from "../../engine/replica.ts";
import type { HostEvent, HostKind, QueuedPass, WatchedDevice } from "./watch.ts";
import { now } from "../../measure/now.ts";
import { watchDevice } from "./watch.ts";

/** A pass and when it ran on the device. */
export type Pass = QueuedPass & PassTime;

/** Steps as they are; means in seconds. */
export interface Steps {
  readonly count: number;
  readonly mean: number;
  readonly median: number;
  readonly host: Readonly<Record<HostKind, number>>;
  /** Device time by plan. */
  readonly device: Readonly<Record<string, number>>;
}

/** One step whose calls are passes of their own. Times of the host are since it began. */
export interface SplitStep {
  readonly seconds: number;
  readonly events: readonly HostEvent[];
  readonly passes: readonly Pass[];
  /** Micro-batches that it has; a step may have more. */
  readonly micro_batches: number;
}

/** What a gradient takes to and from the device, as the exchange of several workers moves it. */
export interface Moved {
  readonly bytes: number;
  /** Median seconds. */
  readonly read: number;
  /** Median seconds, until the device has it. */
  readonly write: number;
}

/** What was measured. */
export interface Measured {
  readonly steps: Steps;
  readonly split: SplitStep;
  readonly moved: Moved;
}

/** Steps before anything is measured, and measured ones at least, at most, and in seconds. */
const WARM_UP = 3;
const STEPS = { least: 5, most: 50, seconds: 3 } as const;

/** How often a gradient is moved. */
const MOVES = 5;

/** Measures steps of a config. @throws {UserError} where the device has no clock, or it does not fit. */
export async function measureSteps(
  gpu: TimedDevice,
  { config, corpus, doing }: {
    readonly config: RunConfig;
    readonly corpus: Corpus;
    /** Told what is done from now on. */
    readonly doing?: (what: string) => void;
  },
): Promise<Measured> {
  if (gpu.passesFree === 0) {
    throw new UserError(
      "noDevice",
      `Cannot profile on ${gpu.name}: need an adapter with timestamp queries: it has none`,
    );
  }
  const watched = watchDevice(gpu);
  const replica = new Replica(watched.device, { config, corpus });
  await replica.open();
  let number = 0;
  const step = async (level = Math.log2(config.micro_batches)): Promise<number> => {
    const begin = now();
    replica.accumulate(number, { level, index: 0 });
    await replica.inspect();
    replica.update(number++);
    return now() - begin;
  };
  doing?.("timing steps");
  for (let i = 0; i < WARM_UP; i++) await step();
  const steps = await timeSteps({ gpu, watched, step });
  const moved = await moveGradient(replica);
  await gpu.passes();
  watched.clear();
  doing?.("timing each call of a step");
  return { steps, moved, split: await splitStep({ gpu, watched, step, config, replica }) };
}

/** What a measurement works with. */
interface Tools {
  readonly gpu: TimedDevice;
  readonly watched: WatchedDevice;
  readonly step: (level?: number) => Promise<number>;
}

async function timeSteps({ gpu, watched, step }: Tools): Promise<Steps> {
  await gpu.passes();
  watched.clear();
  const rough = await step();
  const fit = Math.floor(gpu.passesFree / watched.passes.length);
  const wanted = Math.ceil(STEPS.seconds / rough);
  const count = Math.max(1, Math.min(STEPS.most, Math.max(STEPS.least, wanted), fit));
  await gpu.passes();
  watched.clear();
  const laps: number[] = [];
  for (let i = 0; i < count; i++) laps.push(await step());
  const { events, passes } = watched;
  const of = (kind: HostKind): number =>
    sumOf(events.filter((event) => event.kind === kind).map(length)) / count;
  const device: Record<string, number> = {};
  for (const pass of timed(passes, await gpu.passes())) {
    device[pass.plan] = (device[pass.plan] ?? 0) + length(pass) / count;
  }
  return {
    count,
    mean: sumOf(laps) / count,
    median: laps.toSorted((a, b) => a - b)[count >> 1] as number,
    host: { encode: of("encode"), write: of("write"), copy: of("copy"), wait: of("wait") },
    device,
  };
}

/** Reads the gradient and writes it back, a few times. */
async function moveGradient(replica: Replica): Promise<Moved> {
  const into = new Float32Array(replica.gradientSize);
  const [reads, writes]: [number[], number[]] = [[], []];
  for (let i = 0; i < MOVES; i++) {
    const begin = now();
    await replica.gradient({ last: false, into });
    const read = now();
    replica.writeGradient(0, into);
    await replica.read("grad", 0, { offset: 0, length: 1 });
    reads.push(read - begin);
    writes.push(now() - read);
  }
  const middle = (laps: number[]) => laps.sort((a, b) => a - b)[MOVES >> 1] as number;
  return { bytes: into.byteLength, read: middle(reads), write: middle(writes) };
}

async function splitStep(
  { gpu, watched, step, config, replica }: Tools & { config: RunConfig; replica: Replica },
): Promise<SplitStep> {
  watched.split = true;
  // Passes that were never split run for the first time here.
  await step(0);
  const { passes, events } = watched;
  await gpu.passes();
  watched.clear();
  await step(0);
  const one = passes.length;
  await gpu.passes();
  if (one > gpu.passesFree) {
    throw new UserError(
      "tooLarge",
      `Cannot profile ${config.name}: need at most ${gpu.passesFree} calls in a step of one ` +
        `micro-batch: it has ${one}`,
    );
  }
  const most = Math.floor(Math.log2(gpu.passesFree / one));
  const level = Math.min(Math.log2(config.micro_batches), most);
  watched.clear();
  const begin = now();
  await step(level);
  await replica.read("param", 0, { offset: 0, length: 1 });
  const seconds = now() - begin;
  return {
    seconds,
    events: events.map((event) => ({
      ...event,
      begin: event.begin - begin,
      end: event.end - begin,
    })),
    passes: timed(passes, await gpu.passes()),
    micro_batches: 2 ** level,
  };
}

/** Queued passes with their times; the device reports them in submission order. */
function timed(queued: readonly QueuedPass[], times: readonly PassTime[] = []): Pass[] {
  return times.map((time, i) => ({ ...queued[i] as QueuedPass, ...time }));
}

/** Seconds of a stretch. */
export function length({ begin, end }: { readonly begin: number; readonly end: number }): number {
  return end - begin;
}

/** The sum of some numbers. */
export function sumOf(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}
