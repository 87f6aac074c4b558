/**
 * Says what is being done while a person waits: on a terminal one line that redraws itself, with
 * the time that it has taken; elsewhere a line once it takes long, and one now and then. Knows
 * nothing of what is done.
 */
import { oneLine } from "../../base/text/printable.ts";
import type { DrawnLine } from "./drawn_line.ts";
import { showSeconds } from "../format.ts";

/** How much is done of how much, or a text that says it in its own way. */
export type StageProgress = StageShare | { readonly text: string };

/** How much is done of how much. */
export interface StageShare {
  readonly done: number;
  readonly total: number;
  /** Each part takes about as long, so that what is done tells how long the rest will take. */
  readonly even?: boolean;
  /** Where it is done, as `on 2 workers`. */
  readonly where?: string;
}

/** When it speaks, and who has the clock. */
export interface StatusOptions {
  /** Milliseconds on a steady clock. */
  readonly now?: () => number;
  /** Calls `run` every `ms` until the function that it gives is called. */
  readonly timer?: (run: () => void, ms: number) => () => void;
}

/** Elsewhere than on a terminal: milliseconds until the first line, and to the next; that doubles. */
export const ELSEWHERE = { first: 2000, every: 10_000, longest: 300_000 } as const;
/** On a terminal: from one drawing to the next; what is new is drawn at once where it is rare. */
const REDRAW_MS = 100;
/** Between looks at the clock. */
const TICK_MS = 500;

/** What is being done. */
export class Status implements Disposable {
  readonly #line: DrawnLine;
  readonly #now: () => number;
  readonly #timer: NonNullable<StatusOptions["timer"]>;
  #doing: string | undefined;
  #reached: StageProgress | undefined;
  #began = 0;
  /** When it was last silent, and when a line came last. */
  #spoke: number;
  #wait: number = ELSEWHERE.first;
  #cancel: (() => void) | undefined;

  constructor(
    line: DrawnLine,
    { now = () => performance.now(), timer = every }: StatusOptions = {},
  ) {
    this.#line = line;
    this.#now = now;
    this.#timer = timer;
    this.#spoke = now();
  }

  /** Says what is being done from now on, and how much of it is. */
  show(doing: string, reached?: StageProgress): void {
    const isNew = doing !== this.#doing;
    if (isNew) this.#began = this.#now();
    if (this.#doing === undefined) this.#cancel = this.#timer(() => this.#tick(), TICK_MS);
    this.#doing = doing;
    this.#reached = reached;
    if (!this.#line.terminal) return this.#tick();
    if (isNew || this.#now() - this.#spoke >= REDRAW_MS) this.#speak();
  }

  /** Prints a line that stays. */
  print(text: string): void {
    this.#line.print([oneLine(text)]);
  }

  /** It is done: the line goes away. */
  end(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    if (this.#doing !== undefined) this.#line.clear();
    this.#doing = undefined;
    this.#wait = ELSEWHERE.first;
    this.#spoke = this.#now();
  }

  [Symbol.dispose](): void {
    this.end();
  }

  #tick(): void {
    const wait = this.#line.terminal ? TICK_MS : this.#wait;
    if (this.#now() - this.#spoke >= wait) this.#speak();
  }

  #speak(): void {
    if (this.#doing === undefined) return;
    this.#spoke = this.#now();
    const text = statusText(this.#doing, this.#reached, (this.#now() - this.#began) / 1000);
    if (this.#line.terminal) return this.#line.draw(text);
    this.#line.tell(text);
    const { first, every, longest } = ELSEWHERE;
    this.#wait = this.#wait === first ? every : Math.min(longest, 2 * this.#wait);
  }
}

/** Seconds that a thing must take before it is said how long, and before what is left is guessed. */
const SAID = 2;
const GUESSED = 4;

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
  // A tenth must be done: what a first part takes tells little of the others.
  const isGuessed = even && seconds >= GUESSED && done >= total / 10 && done > 1 && done < total;
  const left = isGuessed ? `, ${showSeconds(seconds * (total - done) / done)} left` : "";
  return doing + counted + place + (seconds < SAID ? "" : `  ${showSeconds(seconds)}${left}`);
}

function every(run: () => void, ms: number): () => void {
  const id = setInterval(run, ms);
  Deno.unrefTimer(id); // What is said keeps no process alive.
  return () => clearInterval(id);
}
