/**
 * What a worker's process says on stderr. Until it has joined nothing reaches the terminal: a start
 * that fails is tried again, and its cause is told once. Afterwards all of it does.
 */
import { oneLine, printable } from "../src/report/format.ts";

/** Characters that are kept of a process that has not joined. */
const KEPT = 16_384;
/** Longest cause. */
const LONGEST = 300;
/** Milliseconds in which the last words of a process that has ended must have come. */
const PATIENCE = 500;

/** The stderr of one process. */
export class Words {
  readonly #over: Promise<void>;
  #text = "";
  #isShown = false;

  constructor(stream: ReadableStream<Uint8Array<ArrayBuffer>>) {
    this.#over = this.#read(stream).catch(() => {});
  }

  /** Prints what was said so far, and from now on whatever is said. */
  show(): void {
    this.#isShown = true;
    this.#print();
  }

  /** Why a process that has ended did so, on one line, as it said; "" where it said nothing. */
  async cause(): Promise<string> {
    await this.end();
    return causeIn(this.#text);
  }

  /** Waits for the last words of a process that has ended. */
  async end(): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise((resolve) => timer = setTimeout(resolve, PATIENCE));
    await Promise.race([this.#over, late]);
    clearTimeout(timer);
  }

  async #read(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    for await (const part of stream.pipeThrough(new TextDecoderStream())) {
      this.#text += part;
      if (this.#isShown) this.#print();
      else this.#text = this.#text.slice(0, KEPT);
    }
    if (this.#isShown && this.#text !== "") console.error(printable(this.#text));
  }

  /** Prints whole lines. */
  #print(): void {
    const end = this.#text.lastIndexOf("\n");
    if (end < 0) return;
    console.error(printable(this.#text.slice(0, end)));
    this.#text = this.#text.slice(end + 1);
  }
}

/** The line that says why: an error's, where there is one, before those of drivers. */
export function causeIn(text: string): string {
  const lines = text.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  const error = lines.find((line) => /^(?:error|uncaught)\b/i.test(line)) ??
    lines.find((line) => /\b(?:error|cannot|failed|panicked)\b/i.test(line)) ?? lines[0] ?? "";
  return oneLine(error.replace(/^error: /, "")).slice(0, LONGEST);
}
