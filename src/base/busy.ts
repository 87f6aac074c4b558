/**
 * Synchronous work that takes long. Signal listeners run between turns of the event loop, so none would
 * run before the work is done. They are removed for as long as it takes: a signal then has its default
 * action, which ends the process.
 */

/** A listener to signals that can be removed for a time. */
export interface BusyListener {
  /** Removes the listener. */
  aside(): unknown;
  /** Adds it again. */
  back(): unknown;
}

const listeners = new Set<BusyListener>();

/** Turns of the event loop after which listeners have run for all signals that came before. */
const TURNS = 2;

/** Has `listener` removed during all work of {@linkcode keepingBusy}. */
export function stepsAside(listener: BusyListener): void {
  listeners.add(listener);
}

/**
 * Does synchronous work that may take longer than a user should wait for an answer to Ctrl-C. Calls must
 * not be nested. Only for work that leaves nothing behind when the process ends in the middle of it: no
 * `unload` is fired. Gives what `work` gives, and throws what it throws.
 */
export async function keepingBusy<T>(work: () => T): Promise<T> {
  for (let i = 0; i < TURNS; i++) await new Promise((resolve) => setTimeout(resolve));
  for (const listener of listeners) listener.aside();
  try {
    return work();
  } finally {
    for (const listener of listeners) listener.back();
  }
}
