/**
 * Signal handling of long-running commands: the first signal requests a stop, a second one exits at
 * once. Resources that must not outlive the process listen to `unload`, which `Deno.exit` fires.
 */
import { suspendDuringBlocking } from "../base/blocking.ts";
import { warn } from "../base/text/say.ts";
import { endStatuses } from "./status.ts";

/** Exit code of an interrupt: 128 + SIGINT, as in shells. */
export const INTERRUPTED = 130;

/**
 * Milliseconds in which all signals count as one request. One Ctrl-C can arrive several times: from
 * the terminal, which signals the whole process group, and from each process above that forwards it
 * (`deno task`, `npx`). `timeout` signals its child and then the group; systemd sends SIGHUP right
 * after SIGTERM. Copies arrive within 1 ms, on a busy machine within tens of ms.
 */
export const REPEAT_MS = 400;

/** Event-loop turns, and ms of each, to wait until signals that arrived earlier are delivered. */
const TURNS = 5;
const TURN_MS = 10;

/** What a signal requests; `repeat` is a copy of an earlier signal. */
export type Request = "stop" | "repeat" | "end";

/** Distinguishes copies of one request from a second request. */
export class Requests {
  #state: "none" | "settling" | "stopping" = "none";

  /** Classifies a signal. SIGHUP from a closing terminal while a command saves is only a repeat. */
  take(signal: Deno.Signal): Request {
    if (this.#state === "stopping") return signal === "SIGHUP" ? "repeat" : "end";
    const isFirst = this.#state === "none";
    this.#state = "settling";
    return isFirst ? "stop" : "repeat";
  }

  /** Call once no more copies of the first signal can arrive. */
  settle(): void {
    if (this.#state === "settling") this.#state = "stopping";
  }
}

/** Options of {@linkcode stopOnSignals}. */
export interface StopOptions {
  /** Printed on stderr at the first signal. */
  readonly text?: string;
  /** The parent process decides when to stop: of the stop signals only SIGTERM counts. */
  readonly supervised?: boolean;
}

/** The state of a command's stop request. */
export interface Stopping {
  /** Aborted at the first signal. */
  readonly stop: AbortSignal;
  /** The first signal; undefined before it arrives. */
  readonly signal: Deno.Signal | undefined;
  /** Whether the first signal was SIGUSR2: a scheduler will requeue the run. */
  requeued(): boolean;
}

/** Exits a supervised command at once. A timer signal, which no terminal or scheduler sends. */
export const END_AT_ONCE = "SIGVTALRM";

/** Signals from the keyboard (Ctrl-C, Ctrl-\), from a scheduler and from a closed terminal. */
const STOPS: readonly Deno.Signal[] = ["SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR2", "SIGHUP"];

/** Listens to signals; the second request exits with {@linkcode INTERRUPTED}. */
export function stopOnSignals({ text, supervised = false }: StopOptions = {}): Stopping {
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
  listen((signal) => supervised ? signal === "SIGTERM" : requestsStop(signal), onSignal);
  // After a stop request, exit instead of starting work that blocks the event loop.
  suspendDuringBlocking({
    suspend: () => controller.signal.aborted && Deno.exit(INTERRUPTED),
    resume: () => {},
  });
  if (supervised) addListener(END_AT_ONCE, () => Deno.exit(INTERRUPTED));
  return {
    stop: controller.signal,
    get signal() {
      return first;
    },
    requeued: () => first === "SIGUSR2",
  };
}

/** Exits with {@linkcode INTERRUPTED} at the first signal, so that `unload` fires. */
export function endOnSignals(): void {
  listen(requestsStop, () => Deno.exit(INTERRUPTED));
}

/** Ignores signals that reach the whole process group: another process handles them. */
export function ignoreSignals(): void {
  listen(() => false, () => {});
}

/**
 * Makes writes beyond `ulimit -f` fail with an error. By default SIGXFSZ ends the process.
 */
export function outliveFileLimit(): void {
  if (Deno.build.os !== "windows") Deno.addSignalListener("SIGXFSZ", () => {});
}

/** Calls `act` for signals that count; ignores the others, whose default ends the process. */
function listen(counts: (signal: Deno.Signal) => boolean, act: (signal: Deno.Signal) => void) {
  for (const signal of STOPS) {
    if (counts(signal)) addListener(signal, () => act(signal));
    else Deno.addSignalListener(signal, () => {});
  }
}

/**
 * Listens to a signal, except while the event loop is blocked and no listener can run: the default
 * action ends the process then.
 */
function addListener(signal: Deno.Signal, act: () => void): void {
  Deno.addSignalListener(signal, act);
  suspendDuringBlocking({
    suspend: () => Deno.removeSignalListener(signal, act),
    resume: () => Deno.addSignalListener(signal, act),
  });
}

/**
 * Whether a signal requests this process to stop. SIGHUP does only if a standard stream is a
 * terminal. Without one, as under `nohup`, the process must keep running, and Deno, which handles
 * SIGHUP itself, would end it.
 */
function requestsStop(signal: Deno.Signal): boolean {
  return signal !== "SIGHUP" ||
    [Deno.stdin, Deno.stdout, Deno.stderr].some((stream) => stream.isTerminal());
}

/**
 * Calls `settle` after {@linkcode REPEAT_MS} and some more turns of the event loop: a busy loop
 * delivers signals that arrived before the timer only after it.
 */
function afterRepeats(settle: () => void): void {
  const later = (ms: number, work: () => void) => Deno.unrefTimer(setTimeout(work, ms));
  const turn = (left: number) => left === 0 ? settle() : later(TURN_MS, () => turn(left - 1));
  later(REPEAT_MS, () => turn(TURNS));
}
