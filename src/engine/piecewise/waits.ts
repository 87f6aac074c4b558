/**
 * How long a thread stays free before it asks for a piece of a gradient. Asking blocks it until the
 * device is idle (Deno's WebGPU has no other way to learn that), and a blocked thread moves no frame;
 * asking late leaves the device without work. So a piece is asked for shortly before it is expected.
 * Pure.
 */

/** Milliseconds of blocking below which a piece was there already. */
const NOT_BLOCKED = 0.2;
/** Shares of the time that was needed, and of a wait that was too long, to wait the next time. */
const [NEXT, SHORTER] = [0.9, 0.8];

/** The waits for the pieces of a step, learnt from the steps before. */
export class Waits {
  readonly #by: number[] = [];

  /** Milliseconds to wait for a piece after its submission; 0 in the first step. */
  wait(piece: number): number {
    return this.#by[piece] ?? 0;
  }

  /** Learns from a piece: milliseconds from its submission until it was asked for, and blocked. */
  learn(piece: number, { waited, blocked }: { waited: number; blocked: number }): void {
    const isLate = blocked < NOT_BLOCKED;
    this.#by[piece] = isLate ? SHORTER * this.wait(piece) : NEXT * (waited + blocked);
  }
}
