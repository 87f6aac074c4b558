/** What signals mean to a command that works for long. */

/** Exit code of an interrupt: 128 + SIGINT, as shells have it. */
export const INTERRUPTED = 130;

/**
 * Aborts once SIGINT, SIGTERM or SIGUSR2 came, and says `text`; a second one ends the process at
 * once. SIGUSR2 is a scheduler's: the run asks to be started again.
 */
export function stopOnSignals(text: string): { stop: AbortSignal; requeued: () => boolean } {
  const controller = new AbortController();
  let requeued = false;
  for (const signal of ["SIGINT", "SIGTERM", "SIGUSR2"] as const) {
    Deno.addSignalListener(signal, () => {
      if (controller.signal.aborted) Deno.exit(INTERRUPTED);
      requeued = signal === "SIGUSR2";
      console.error(text);
      controller.abort();
    });
  }
  return { stop: controller.signal, requeued: () => requeued };
}

/** Aborted by SIGINT or SIGTERM; a second one ends the process at once. */
export function interrupted(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => {
      if (controller.signal.aborted) Deno.exit(INTERRUPTED);
      controller.abort();
    });
  }
  return controller.signal;
}
