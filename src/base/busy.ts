/**
 * Work that keeps the event loop for itself. Nothing is told of a signal meanwhile, so whoever listens
 * to signals steps aside, and they do what they do to a process that does not listen: they end it.
 */

/** Somebody who listens to signals. */
export interface Listener {
  /** Leaves the signals alone. */
  aside(): unknown;
  /** Listens again. */
  back(): unknown;
}

const listeners = new Set<Listener>();

/** Turns of the event loop in which signals of before are told. */
const TURNS = 2;

/** Has `listener` step aside whenever the event loop is kept. */
export function stepsAside(listener: Listener): void {
  listeners.add(listener);
}

/**
 * Does work, synchronous and never within itself, that may take longer than anybody should wait for an answer to Ctrl-C. Only for work that
 * leaves nothing behind when the process ends in the middle of it: no `unload` is fired.
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
