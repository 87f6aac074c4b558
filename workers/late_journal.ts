/**
 * A journal that is not touched before its run has begun: one that cannot begin leaves no trace.
 * Needs the run's lock.
 */
import type { RunLock } from "../src/checkpoint/lock.ts";
import { readIfAny } from "../src/report/atomic.ts";
import type { RunFacts, Sink } from "../src/report/events.ts";
import { openJournal, parseJournal } from "../src/report/journal.ts";
import type { Journal } from "../src/report/journal.ts";

/** The journal of a run. */
export class LateJournal implements Disposable {
  /** Steps that were decided to be passed over, by the runs that this one goes on from. */
  readonly skips: readonly number[];
  readonly #open: () => Journal;
  readonly #waiting: Parameters<Journal["write"]>[0][] = [];
  #journal: Journal | undefined;

  constructor(path: string, { show, lock }: { show: Sink; lock: Pick<RunLock, "check"> }) {
    const warn = (text: string) => show({ type: "notice", text });
    this.#open = () => openJournal(path, { warn, check: () => lock.check() });
    this.skips = skipsIn(path);
  }

  /** Writes what waited, and from now on everything at once. */
  begin(run: RunFacts): void {
    this.#journal ??= this.#open();
    this.#journal.write({ kind: "start", ...run });
    for (const entry of this.#waiting.splice(0)) this.#journal.write(entry);
  }

  write(...[entry, options]: Parameters<Journal["write"]>): void {
    if (this.#journal === undefined) this.#waiting.push(entry);
    else this.#journal.write(entry, options);
  }

  [Symbol.dispose](): void {
    this.#journal?.[Symbol.dispose]();
  }
}

function skipsIn(path: string): number[] {
  return parseJournal(readIfAny(path)).entries.flatMap(({ kind, skips }) =>
    kind === "skip" && Array.isArray(skips) ? skips.map(Number) : []
  );
}
