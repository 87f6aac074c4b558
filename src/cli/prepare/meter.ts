/** Shows the progress of a preparation as a status line, and prints its notices. */
import { say } from "../../base/text/say.ts";
import { meterLine, type MeterReading } from "../../prepare/meter.ts";
import type { PrepareEvent } from "../../prepare/prepare.ts";
import type { Status } from "../../report/progress/status.ts";
import { openStatus } from "../../terminal/status.ts";

/** Watches a preparation. */
export class PrepareMeter {
  readonly #status: Status = openStatus();
  #total = 0;
  #reached: MeterReading | undefined;
  #began = performance.now();

  constructor() {
    this.#status.show("looking for the files");
  }

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
  reach(phase: MeterReading["phase"], { bytes, total }: { bytes: number; total: number }): void {
    const now = performance.now();
    if (this.#reached?.phase !== phase) this.#began = now;
    const before = this.#reached?.phase === phase ? this.#reached.before : bytes;
    this.#reached = { phase, bytes, total, before, seconds: (now - this.#began) / 1000 };
    this.#status.show(phase, { text: meterLine(this.#reached) });
  }

  /** Takes the drawn line away. */
  end(): void {
    this.#status.end();
  }

  #print(text: string): void {
    this.end();
    say(text);
  }
}
