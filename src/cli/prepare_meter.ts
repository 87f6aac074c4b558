/** Shows how far a preparation is: one line that redraws itself on a terminal, a few lines elsewhere. */
import { meterLine, type Reached } from "../prepare/meter.ts";
import type { PrepareEvent } from "../prepare/prepare.ts";
import { columns, openOutput } from "./output.ts";

/** Milliseconds from one line to the next. */
const EVERY = { terminal: 100, elsewhere: 10_000 };
const ERASE = "\r\x1b[K";

/** Watches a preparation. */
export class PrepareMeter {
  readonly #terminal = Deno.stdout.isTerminal();
  readonly #output = openOutput();
  #total = 0;
  #reached: Reached | undefined;
  #began = performance.now();
  #shown = performance.now();
  #drawn = false;

  /** Bytes of the inputs. */
  get read(): number {
    return this.#total;
  }

  /** Takes an event. */
  readonly show = (event: PrepareEvent): void => {
    if (event.type === "inputs") this.#total = event.bytes;
    else if (event.type === "note") this.#print(event.text);
    else if (event.type === "resume") this.#print(`Going on behind ${event.shards} shards`);
    else {
      const before = this.#reached?.phase === event.phase ? this.#reached.bytes : 0;
      this.reach(event.phase, { bytes: before + event.bytes, total: this.#total });
    }
  };

  /** Takes how far a phase is. */
  reach(phase: Reached["phase"], { bytes, total }: { bytes: number; total: number }): void {
    const now = performance.now();
    if (this.#reached?.phase !== phase) this.#began = now;
    const before = this.#reached?.phase === phase ? this.#reached.before : bytes;
    this.#reached = { phase, bytes, total, before, seconds: (now - this.#began) / 1000 };
    if (now - this.#shown < EVERY[this.#terminal ? "terminal" : "elsewhere"]) return;
    this.#shown = now;
    this.#draw(meterLine(this.#reached));
  }

  /** Takes the drawn line away. */
  end(): void {
    if (this.#drawn) this.#write(ERASE);
    this.#drawn = false;
  }

  #draw(text: string): void {
    if (!this.#terminal) return this.#print(text);
    // A line as wide as the terminal leaves the cursor past its end: some wrap there.
    this.#write(ERASE + text.slice(0, columns() - 1));
    this.#drawn = true;
  }

  #print(text: string): void {
    this.end();
    this.#write(text + "\n");
  }

  #write(text: string): void {
    this.#output.write(text);
  }
}
