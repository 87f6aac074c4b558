/**
 * Work that keeps the event loop for itself. Nothing is told of a signal meanwhile, so whoever listens
 * to signals steps aside, and they do what they do to a process that does not listen: they end it.
 */

/** Somebody who listens to signals. */
export interface Listener {
  /** Leaves the signals alone. */
  aside(): void;
  /** Listens again. */
  back(): void;
}

const listeners = new Set<Listener>();
let depth = 0;

/** Has `listener` step aside whenever the event loop is kept. */
export function stepsAside(listener: Listener): void {
  listeners.add(listener);
}

/**
 * Does work that may take longer than anybody should wait for an answer to Ctrl-C. Only for work that
 * leaves nothing behind when the process ends in the middle of it: no `unload` is fired.
 */
export function keepingBusy<T>(work: () => T): T {
  if (depth++ === 0) { for (const listener of listeners) listener.aside(); }
  try {
    return work();
  } finally {
    if (--depth === 0) { for (const listener of listeners) listener.back(); }
  }
}
