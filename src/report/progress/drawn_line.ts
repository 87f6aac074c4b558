/**
 * The last line of a terminal, redrawn in place, and the permanent lines above it. Other outputs
 * have no such line. Texts are made printable, so only this file's sequences move the cursor.
 */

import { oneLine, printable } from "../../base/text/printable.ts";

/** The output. */
export interface Screen {
  readonly terminal: boolean;
  /** Writes permanent lines. */
  readonly write: (text: string) => void;
  /** Writes the redrawn line, or status lines, if that is another stream. */
  readonly draw?: (text: string) => void;
  /** Columns of the terminal, read for each line. Default 80. */
  readonly width?: () => number;
}

const ERASE = "\r\x1b[K";

/** A line that is redrawn in place. */
export class DrawnLine {
  readonly #screen: Screen;
  #text: string | undefined;

  constructor(screen: Screen) {
    this.#screen = screen;
  }

  get terminal(): boolean {
    return this.#screen.terminal;
  }

  /** Whether a line is drawn now. */
  get isDrawn(): boolean {
    return this.#text !== undefined;
  }

  /** Columns that a line may take; unbounded unless the output is a terminal. */
  get width(): number {
    // Some terminals wrap after a line of full width.
    return this.#screen.terminal ? (this.#screen.width?.() ?? 80) - 1 : Infinity;
  }

  /** Draws the line; does nothing unless the output is a terminal. */
  draw(text: string): void {
    if (!this.#screen.terminal) return;
    this.#text = text;
    this.#put(ERASE + oneLine(text).slice(0, Math.max(0, this.width)));
  }

  /** Prints permanent lines above the drawn one. */
  print(lines: readonly string[]): void {
    if (lines.length === 0) return;
    const drawn = this.#text;
    this.clear();
    this.#screen.write(lines.map((line) => printable(line) + "\n").join(""));
    if (drawn !== undefined) this.draw(drawn);
  }

  /** For outputs other than a terminal: prints a status line. */
  tell(text: string): void {
    this.#put(oneLine(text) + "\n");
  }

  /** Erases the drawn line. */
  clear(): void {
    if (this.#text !== undefined) this.#put(ERASE);
    this.#text = undefined;
  }

  /** Makes the drawn line permanent; further output follows below it. */
  keep(): void {
    if (this.#text !== undefined) this.#put("\n");
    this.#text = undefined;
  }

  #put(text: string): void {
    (this.#screen.draw ?? this.#screen.write)(text);
  }
}
