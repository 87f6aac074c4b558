/**
 * One step in the Trace Event Format of chrome://tracing and Perfetto: the host's parts on one line,
 * plans and their calls on another. Times are microseconds. Pure. Source: Duca and Sinclair, "Trace
 * Event Format" (2016), duration as complete events, names as metadata events.
 */
import { maxOf, minOf } from "../../base/extremes.ts";
import { length, type Pass, type SplitStep } from "./measure.ts";

/** One event. */
export interface TraceEvent {
  readonly name: string;
  readonly cat?: string;
  readonly ph: "X" | "M";
  readonly ts: number;
  readonly dur?: number;
  readonly pid: number;
  readonly tid: number;
  readonly args: Readonly<Record<string, string | number>>;
}

/** Lines of the picture. */
export const LINES = { host: 1, device: 2 } as const;
const PID = 1;
const MICRO = 1e6;

/**
 * Events of a step. The device's clock is not the host's: its first pass is drawn where the host
 * began to queue it, the others keep their distance from it.
 */
export function traceOf({ seconds, events, passes }: SplitStep, name: string): TraceEvent[] {
  const queued = events.find(({ kind }) => kind === "encode")?.begin ?? 0;
  const shift = queued - (passes[0]?.begin ?? 0);
  const host = events.map(({ kind, name, begin, end }) =>
    event({ name: `${kind} ${name}`, cat: kind, line: "host", begin, end })
  );
  return [
    meta("process_name", `Shoal, one step of ${name}`, LINES.host),
    meta("thread_name", "host", LINES.host),
    meta("thread_name", "device", LINES.device),
    event({ name: "step", cat: "step", line: "host", begin: 0, end: seconds }),
    ...host,
    ...runsOf(passes).flatMap((run) => deviceEvents(run, shift)),
  ];
}

/** Passes of each run of a plan, in order. */
function runsOf(passes: readonly Pass[]): Pass[][] {
  const runs: Pass[][] = [];
  for (const pass of passes) {
    const last = runs.at(-1);
    if (last?.[0]?.run === pass.run) last.push(pass);
    else runs.push([pass]);
  }
  return runs;
}

/** A run of a plan, and its calls within. */
function deviceEvents(run: readonly Pass[], shift: number): TraceEvent[] {
  const [first] = run;
  if (first === undefined) return [];
  const place = { line: "device", shift } as const;
  const begin = minOf(run.map((pass) => pass.begin));
  const end = maxOf(run.map((pass) => pass.end));
  return [
    event({ name: first.plan, cat: "plan", begin, end, ...place }),
    ...run.flatMap((pass) => {
      const { call } = pass;
      if (call === undefined) return [];
      const { flops, bytes } = call.op.cost(call, call.attrs);
      const args = {
        shapes: [...call.inputs, ...call.outputs].map(({ shape }) => `[${shape.join(",")}]`)
          .join(" "),
        "GFLOP/s": flops / length(pass) / 1e9,
        "GB/s": bytes / length(pass) / 1e9,
      };
      return [event({ name: call.op.name, cat: "op", ...pass, ...place, args })];
    }),
  ];
}

function event({ name, cat, line, begin, end, shift = 0, args = {} }: {
  readonly name: string;
  readonly cat: string;
  readonly line: keyof typeof LINES;
  readonly begin: number;
  readonly end: number;
  readonly shift?: number;
  readonly args?: TraceEvent["args"];
}): TraceEvent {
  const ts = (begin + shift) * MICRO;
  return { name, cat, ph: "X", ts, dur: (end - begin) * MICRO, pid: PID, tid: LINES[line], args };
}

function meta(name: string, value: string, tid: number): TraceEvent {
  return { name, ph: "M", ts: 0, pid: PID, tid, args: { name: value } };
}
