/**
 * Shows the current activity: on a terminal one redrawn line with the elapsed time; elsewhere a
 * line if the activity takes long, and further lines at growing intervals.
 */
import { oneLine } from "../../base/text/printable.ts";
import type { DrawnLine } from "./drawn_line.ts";
import { showSeconds } from "../format.ts";

/** How much of a total is done, or a text of the caller's own. */
export type StageProgress = StageShare | { readonly text: string };

/** How much of a total is done. */
export interface StageShare {
  readonly done: number;
  readonly total: number;
  /** All parts take about the same time, so that the time left can be estimated. */
  readonly even?: boolean;
  /** Where it runs, as `on 2 workers`. */
  readonly where?: string;
}

/** The clock and the timer; injectable for tests. */
export interface StatusOptions {
  /** Milliseconds of a monotonic clock. */
  readonly now?: () => number;
  /** Calls `run` every `ms` until the returned function is called. */
  readonly timer?: (run: () => void, ms: number) => () => void;
}

/** Outputs other than a terminal: milliseconds to the first line, and to the next, doubling. */
export const ELSEWHERE = { first: 2000, every: 10_000, longest: 300_000 } as const;
/**
 * Terminal: least milliseconds between redraws of one activity; a new activity is drawn at once.
 */
const REDRAW_MS = 100;
/** Timer interval. */
const TICK_MS = 500;

/** The status line. */
export class Status implements Disposable {
  readonly #line: DrawnLine;
  readonly #now: () => number;
  readonly #timer: NonNullable<StatusOptions["timer"]>;
  #doing: string | undefined;
  #reached: StageProgress | undefined;
  #began = 0;
  /** When the last line was shown, or the last activity ended. */
  #shown: number;
  #wait: number = ELSEWHERE.first;
  #cancel: (() => void) | undefined;

  constructor(
    line: DrawnLine,
    { now = () => performance.now(), timer = every }: StatusOptions = {},
  ) {
    this.#line = line;
    this.#now = now;
    this.#timer = timer;
    this.#shown = now();
  }

  /** Shows an activity, and how far it is. */
  show(doing: string, reached?: StageProgress): void {
    const isNew = doing !== this.#doing;
    if (isNew) this.#began = this.#now();
    if (this.#doing === undefined) this.#cancel = this.#timer(() => this.#tick(), TICK_MS);
    this.#doing = doing;
    this.#reached = reached;
    if (!this.#line.terminal) return this.#tick();
    if (isNew || this.#now() - this.#shown >= REDRAW_MS) this.#update();
  }

  /** Prints a permanent line. */
  print(text: string): void {
    this.#line.print([oneLine(text)]);
  }

  /** Ends the activity and erases the line. */
  end(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    if (this.#doing !== undefined) this.#line.clear();
    this.#doing = undefined;
    this.#wait = ELSEWHERE.first;
    this.#shown = this.#now();
  }

  [Symbol.dispose](): void {
    this.end();
  }

  #tick(): void {
    const wait = this.#line.terminal ? TICK_MS : this.#wait;
    if (this.#now() - this.#shown >= wait) this.#update();
  }

  #update(): void {
    if (this.#doing === undefined) return;
    this.#shown = this.#now();
    const text = statusText(this.#doing, this.#reached, (this.#now() - this.#began) / 1000);
    if (this.#line.terminal) return this.#line.draw(text);
    this.#line.tell(text);
    const { first, every, longest } = ELSEWHERE;
    this.#wait = this.#wait === first ? every : Math.min(longest, 2 * this.#wait);
  }
}

/** Seconds after which the elapsed time is shown, and the time left is estimated. */
const ELAPSED_FROM = 2;
const ESTIMATE_FROM = 4;

/** `evaluating 120/400 on 2 workers  12 s, 28 s left`. */
export function statusText(
  doing: string,
  reached: StageProgress | undefined,
  seconds: number,
): string {
  if (reached !== undefined && "text" in reached) return reached.text;
  const { done = 0, total = 0, where, even = false }: Partial<StageShare> = reached ?? {};
  const counted = total > 0 ? ` ${done}/${total}` : "";
  const place = where === undefined ? "" : ` ${where}`;
  // Estimate only after a tenth: the first parts are not representative.
  const isEstimated = even && seconds >= ESTIMATE_FROM && done >= total / 10 && done > 1 &&
    done < total;
  const left = isEstimated ? `, ${showSeconds(seconds * (total - done) / done)} left` : "";
  return doing + counted + place +
    (seconds < ELAPSED_FROM ? "" : `  ${showSeconds(seconds)}${left}`);
}

function every(run: () => void, ms: number): () => void {
  const id = setInterval(run, ms);
  Deno.unrefTimer(id); // A status line must not keep the process alive.
  return () => clearInterval(id);
}
