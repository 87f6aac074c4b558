/**
 * What signals mean to a command that works for long: the first asks it to stop, a second one ends
 * it at once. Whatever must not outlive the process listens to `unload`, which `Deno.exit` fires.
 */
import { suspendDuringBlocking } from "../base/blocking.ts";
import { warn } from "../base/text/say.ts";
import { endStatuses } from "./status.ts";

/** Exit code of an interrupt: 128 + SIGINT, as shells have it. */
export const INTERRUPTED = 130;

/**
 * Milliseconds in which all signals count as one request. One Ctrl-C can arrive several times: from
 * the terminal, which signals the whole process group, and from each process above that forwards it
 * (`deno task`, `npx`). `timeout` signals its child and then the group; systemd sends SIGHUP right
 * after SIGTERM. Copies come within a millisecond, on a busy machine within some tens.
 */
export const REPEAT_MS = 400;

/** Turns of the event loop, and milliseconds of each, after which signals of before are delivered. */
const TURNS = 5;
const TURN_MS = 10;

/** What a signal asks for; `repeat` is a copy of one that was taken already. */
export type Request = "stop" | "repeat" | "end";

/** Tells copies of one request from a second request. */
export class Requests {
  #state: "none" | "settling" | "stopping" = "none";

  /** Takes a signal. A terminal that is closed while a command saves asks for nothing more. */
  take(signal: Deno.Signal): Request {
    if (this.#state === "stopping") return signal === "SIGHUP" ? "repeat" : "end";
    const isFirst = this.#state === "none";
    this.#state = "settling";
    return isFirst ? "stop" : "repeat";
  }

  /** No copy of the first signal can come any more. */
  settle(): void {
    if (this.#state === "settling") this.#state = "stopping";
  }
}

/** How a command hears of signals. */
export interface StopOptions {
  /** Printed on stderr at the first one. */
  readonly text?: string;
  /** A process above decides when to stop: only SIGTERM, which was meant for this one, counts. */
  readonly leashed?: boolean;
}

/** A command that can be asked to stop. */
export interface Stopping {
  /** Aborted at the first signal. */
  readonly stop: AbortSignal;
  /** The first signal, once it came. */
  readonly signal: Deno.Signal | undefined;
  /** Whether a scheduler asks for the run to be started again: it came by SIGUSR2. */
  requeued(): boolean;
}

/** Ends a leashed command at once. No terminal and no scheduler sends it: it is that of a timer. */
export const END_AT_ONCE = "SIGVTALRM";

/** Signals of a person (Ctrl-C, Ctrl-\), a scheduler and a closed terminal. */
const STOPS: readonly Deno.Signal[] = ["SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR2", "SIGHUP"];

/** Listens to signals; the second request ends the process with {@linkcode INTERRUPTED}. */
export function stopOnSignals({ text, leashed = false }: StopOptions = {}): Stopping {
  const controller = new AbortController();
  const requests = new Requests();
  let first: Deno.Signal | undefined;
  const onSignal = (signal: Deno.Signal) => {
    const request = requests.take(signal);
    if (request === "end") Deno.exit(INTERRUPTED);
    if (request === "repeat") return;
    first = signal;
    afterRepeats(() => requests.settle());
    endStatuses();
    if (text !== undefined) warn(text);
    controller.abort();
  };
  listen((signal) => leashed ? signal === "SIGTERM" : isMeant(signal), onSignal);
  // Whoever asked before such work began would wait for its end as well.
  suspendDuringBlocking({
    suspend: () => controller.signal.aborted && Deno.exit(INTERRUPTED),
    resume: () => {},
  });
  if (leashed) hear(END_AT_ONCE, () => Deno.exit(INTERRUPTED));
  return {
    stop: controller.signal,
    get signal() {
      return first;
    },
    requeued: () => first === "SIGUSR2",
  };
}

/** Ends the process with {@linkcode INTERRUPTED} at the first signal, so that `unload` is fired. */
export function endOnSignals(): void {
  listen(isMeant, () => Deno.exit(INTERRUPTED));
}

/** Lets every signal pass that reaches the whole process group: another process acts on it. */
export function ignoreSignals(): void {
  listen(() => false, () => {});
}

/**
 * Lets writes beyond `ulimit -f` fail with an error, which costs a file at most. By default the signal
 * of that limit ends the process.
 */
export function outliveFileLimit(): void {
  if (Deno.build.os !== "windows") Deno.addSignalListener("SIGXFSZ", () => {});
}

/** Hands on the signals that count; the others do nothing, where by default they end a process. */
function listen(counts: (signal: Deno.Signal) => boolean, act: (signal: Deno.Signal) => void) {
  for (const signal of STOPS) {
    if (counts(signal)) hear(signal, () => act(signal));
    else Deno.addSignalListener(signal, () => {});
  }
}

/** Listens to a signal, but for the time in which nothing could be heard: it ends the process then. */
function hear(signal: Deno.Signal, act: () => void): void {
  Deno.addSignalListener(signal, act);
  suspendDuringBlocking({
    suspend: () => Deno.removeSignalListener(signal, act),
    resume: () => Deno.addSignalListener(signal, act),
  });
}

/**
 * Whether a signal asks this process to stop. SIGHUP does where there is a terminal to be closed.
 * Where there is none, as under `nohup`, the process is meant to go on, and Deno, which handles
 * SIGHUP by itself, would end it.
 */
function isMeant(signal: Deno.Signal): boolean {
  return signal !== "SIGHUP" ||
    [Deno.stdin, Deno.stdout, Deno.stderr].some((stream) => stream.isTerminal());
}

/**
 * Calls `settle` when copies of a signal have had their time. A busy event loop delivers late: some
 * turns after the timer hand on what arrived before it.
 */
function afterRepeats(settle: () => void): void {
  const later = (ms: number, work: () => void) => Deno.unrefTimer(setTimeout(work, ms));
  const turn = (left: number) => left === 0 ? settle() : later(TURN_MS, () => turn(left - 1));
  later(REPEAT_MS, () => turn(TURNS));
}
