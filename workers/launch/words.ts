/**
 * The stderr of a worker's process. It is held back until the worker has joined, because a start that
 * fails is retried and its cause is reported once. Afterwards all of it is printed.
 */
import { oneLine } from "../../src/base/text/printable.ts";
import { warnText } from "../../src/base/text/say.ts";
import { relayLines } from "./lines.ts";

/** Characters that are held of a process that has not joined. */
const KEPT = 16_384;
/** Longest cause. */
const LONGEST = 300;
/** Time for the last output of a process that has ended to arrive, ms. */
const PATIENCE = 500;

/** The stderr of one process. */
export class Words {
  readonly #over: Promise<void>;
  #held: string[] = [];
  #length = 0;
  #isShown = false;

  constructor(stream: ReadableStream<Uint8Array<ArrayBuffer>>) {
    this.#over = relayLines(stream, (line) => this.#take(line)).catch(() => {});
  }

  /** Prints what is held, and from now on each line as it arrives. */
  show(): void {
    this.#isShown = true;
    for (const line of this.#held.splice(0)) warnText(line);
  }

  /** The cause that a process printed before it ended, on one line; "" if it printed nothing. */
  async cause(): Promise<string> {
    await this.end();
    return causeIn(this.#held);
  }

  /** Waits for the last output of a process that has ended. */
  async end(): Promise<void> {
    await within(PATIENCE, this.#over);
  }

  #take(line: string): void {
    if (this.#isShown) return warnText(line);
    if (this.#length < KEPT) this.#held.push(line);
    this.#length += line.length;
  }
}

/**
 * Waits for `work`, which must not reject, for at most `ms` milliseconds: processes that a worker started
 * may keep its streams open.
 */
export async function within(ms: number, work: Promise<unknown>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  await Promise.race([work, promise]);
  clearTimeout(timer);
}

/** The most likely cause among the lines: an error's line before those of drivers. */
function causeIn(printed: readonly string[]): string {
  const lines = printed.map((line) => line.trim()).filter((line) => line !== "");
  const error = lines.find((line) => /^(?:error|uncaught)\b/i.test(line)) ??
    lines.find((line) => /\b(?:error|cannot|failed|panicked)\b/i.test(line)) ?? lines[0] ?? "";
  return oneLine(error.replace(/^error: /, "")).slice(0, LONGEST);
}
