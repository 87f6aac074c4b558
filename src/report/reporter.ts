/** Distributes every event to every sink. */
import type { EventSink } from "./events.ts";

/**
 * One sink over many. Reporting never stops training: a sink that throws is dropped, and the others
 * receive a notice.
 */
export function reporter(sinks: readonly EventSink[]): EventSink {
  let live = sinks;
  return function report(event): void {
    const faults: string[] = [];
    live = live.filter((sink) => {
      try {
        sink(event);
        return true;
      } catch (error) {
        faults.push(error instanceof Error ? error.message : String(error));
        return false;
      }
    });
    for (const fault of faults) report({ type: "notice", text: `A report was dropped: ${fault}` });
  };
}
