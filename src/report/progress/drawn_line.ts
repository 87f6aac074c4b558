/**
 * The last line of a terminal, which is drawn again and again, with the lines that stay above it.
 * Elsewhere than on a terminal there is no such line. Knows nothing of what the text says, which it
 * makes printable: only its own sequences move the cursor.
 */

import { oneLine, printable } from "../../base/text/printable.ts";

/** Where lines go. */
export interface Screen {
  readonly terminal: boolean;
  /** Takes lines that stay. */
  readonly write: (text: string) => void;
  /** Takes what is drawn, or told in passing, where that is another stream. */
  readonly draw?: (text: string) => void;
  /** Columns of the terminal, asked for each line; 80 if left out. */
  readonly width?: () => number;
}

const ERASE = "\r\x1b[K";

/** A line that is drawn over itself. */
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

  /** Columns that a line may take; without bound elsewhere than on a terminal. */
  get width(): number {
    // A line as wide as the terminal leaves the cursor past its end: some wrap there.
    return this.#screen.terminal ? (this.#screen.width?.() ?? 80) - 1 : Infinity;
  }

  /** Draws the line, on a terminal. */
  draw(text: string): void {
    if (!this.#screen.terminal) return;
    this.#text = text;
    this.#put(ERASE + oneLine(text).slice(0, Math.max(0, this.width)));
  }

  /** Prints lines that stay, above the drawn one. */
  print(lines: readonly string[]): void {
    if (lines.length === 0) return;
    const drawn = this.#text;
    this.clear();
    this.#screen.write(lines.map((line) => printable(line) + "\n").join(""));
    if (drawn !== undefined) this.draw(drawn);
  }

  /** Elsewhere than on a terminal: a line in passing, where a terminal's would be drawn. */
  tell(text: string): void {
    this.#put(oneLine(text) + "\n");
  }

  /** Takes the drawn line away. */
  clear(): void {
    if (this.#text !== undefined) this.#put(ERASE);
    this.#text = undefined;
  }

  /** Leaves the drawn line where it is; what follows stands below it. */
  keep(): void {
    if (this.#text !== undefined) this.#put("\n");
    this.#text = undefined;
  }

  #put(text: string): void {
    (this.#screen.draw ?? this.#screen.write)(text);
  }
}
