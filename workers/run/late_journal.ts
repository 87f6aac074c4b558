/**
 * A journal that is not touched before its run has begun: one that cannot begin leaves no trace.
 * Needs the run's lock.
 */
import { VERSION } from "../../src/base/version.ts";
import type { RunLock } from "../../src/checkpoint/lock/lock.ts";
import type { EventSink, RunFacts } from "../../src/report/events.ts";
import { damaged, openJournal, readJournal } from "../../src/report/journal/journal.ts";
import type { Journal, JournalWords } from "../../src/report/journal/journal.ts";
import { type RecordedDecision, recordedIn } from "./journal/recorded.ts";

/** The journal of a run. */
export class LateJournal implements Disposable {
  /** Steps that were decided to be passed over, by the runs that this one goes on from. */
  readonly decisions: readonly RecordedDecision[];
  /** Hash of the config that the last of them stored, where it says so. */
  readonly config: string | undefined;
  readonly #open: () => Journal;
  readonly #waiting: Parameters<Journal["write"]>[0][] = [];
  #journal: Journal | undefined;

  /** Reads what is there. @throws {Refusal} `incompatible` where a line is damaged. */
  constructor(
    path: string,
    { out, show, lock }: { out: string; show: EventSink; lock: Pick<RunLock, "check"> },
  ) {
    const words = wordsFor(out);
    const warn = (text: string) => show({ type: "notice", text });
    this.#open = () => openJournal(path, { words, warn, check: () => lock.check() });
    const { decisions, config, fault } = recordedIn(readJournal(path, words));
    if (fault !== undefined) throw damaged(path, fault, words);
    this.decisions = decisions;
    this.config = config;
  }

  /** All steps that were decided to be passed over. */
  get skips(): readonly number[] {
    return this.decisions.flatMap(({ skips }) => skips);
  }

  /** Writes what waited, and from now on everything at once; `config`: hash of what the run stores. */
  begin(run: RunFacts, config: string): void {
    this.#journal ??= this.#open();
    this.#journal.write({ kind: "start", shoal: VERSION, ...run, config });
    for (const entry of this.#waiting.splice(0)) this.#journal.write(entry);
  }

  write(...[entry, options]: Parameters<Journal["write"]>): void {
    if (this.#journal === undefined) this.#waiting.push(entry);
    else this.#journal.write(entry, options);
  }

  /** Brings all that was written so far to the disk. */
  sync(): void {
    this.#journal?.sync();
  }

  [Symbol.dispose](): void {
    this.#journal?.[Symbol.dispose]();
  }
}

/** What is said of a damaged journal of the run in `out`. */
function wordsFor(out: string): JournalWords {
  return {
    doing: `Cannot resume ${out}`,
    since: "which says what steps are passed over",
    remedy: "bring a good copy back, move it away to go on with what the newest checkpoint says, " +
      `or begin at step 0 with --restart=${out}, which keeps what is there under other names`,
  };
}
