/**
 * Long synchronous work. It blocks the event loop, so signal listeners would only run afterwards.
 * They are removed meanwhile: a signal then has its default action and ends the process.
 */

/** A signal listener that can be removed temporarily. */
export interface BusyListener {
  /** Removes the listener. */
  aside(): unknown;
  /** Adds it again. */
  back(): unknown;
}

const listeners = new Set<BusyListener>();

/** Event-loop turns after which listeners of all earlier signals have run. */
const TURNS = 2;

/** Registers `listener` for removal during {@linkcode keepingBusy}. */
export function stepsAside(listener: BusyListener): void {
  listeners.add(listener);
}

/**
 * Runs synchronous work that would delay Ctrl-C noticeably; returns its result. Calls must not be
 * nested. A signal kills the process without firing `unload`, so `work` must not need cleanup.
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
