/**
 * Long synchronous work. It blocks the event loop, so signal listeners would only run afterwards.
 * They are removed meanwhile: a signal then has its default action and ends the process.
 */

/** A signal listener that can be removed temporarily. */
export interface SuspendableListener {
  /** Removes the listener. */
  suspend(): unknown;
  /** Adds it again. */
  resume(): unknown;
}

const listeners = new Set<SuspendableListener>();

/** Event-loop turns after which listeners of all earlier signals have run. */
const TURNS = 2;

/** Registers `listener` for removal during {@linkcode runBlocking}. */
export function suspendDuringBlocking(listener: SuspendableListener): void {
  listeners.add(listener);
}

/**
 * Runs synchronous work that would delay Ctrl-C noticeably; returns its result. Calls must not be
 * nested. A signal kills the process without firing `unload`, so `work` must not need cleanup.
 */
export async function runBlocking<T>(work: () => T): Promise<T> {
  for (let i = 0; i < TURNS; i++) await new Promise((resolve) => setTimeout(resolve));
  for (const listener of listeners) listener.suspend();
  try {
    return work();
  } finally {
    for (const listener of listeners) listener.resume();
  }
}
