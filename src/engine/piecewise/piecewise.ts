/** Reads a gradient piece by piece while the device computes the pieces that follow. */
import type { StagedRead } from "../../device/types.ts";
import { Waits } from "./waits.ts";

/** Milliseconds below which a timer is not worth it. */
const LEAST_WAIT = 1;

/** A part of a piece that was copied aside, and where it goes. */
export interface StagedPart {
  readonly staged: StagedRead;
  readonly into: Float32Array;
}

/** What a computation in pieces does. */
export interface PieceWork {
  /** Number of pieces. */
  readonly pieces: number;
  /** Awaited before the first piece. */
  readonly begin: () => Promise<void>;
  /** Submits the computation of a piece, and the copy of its elements. */
  readonly submit: (piece: number) => readonly StagedPart[];
  /** Called once the last piece is submitted. */
  readonly end: () => void;
}

/** Computes in pieces, with waits that fit the device. */
export class Piecewise {
  readonly #waits = new Waits();
  readonly #now: () => number;

  /** `now`: milliseconds on a steady clock. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Starts the work; a promise for each piece, resolved when its elements are there. */
  start(work: PieceWork): readonly Promise<void>[] {
    const arrivals = Array.from({ length: work.pieces }, () => Promise.withResolvers<void>());
    // A fault rejects all, of which the caller may await one.
    for (const { promise } of arrivals) promise.catch(() => {});
    this.#run(work, (piece) => arrivals[piece]?.resolve()).catch((error) => {
      for (const { reject } of arrivals) reject(error);
    });
    return arrivals.map(({ promise }) => promise);
  }

  async #run(
    { pieces, begin, submit, end }: PieceWork,
    arrived: (piece: number) => void,
  ): Promise<void> {
    const submitted = (piece: number) => {
      const parts = submit(piece);
      if (piece === pieces - 1) end();
      return { parts, at: this.#now() };
    };
    await begin();
    let next = submitted(0);
    for (let piece = 0; piece < pieces; piece++) {
      const { parts, at } = next;
      const wait = this.#waits.wait(piece);
      // Also without a wait, the frames of the piece before are sent before this thread blocks.
      if (piece > 0 || wait >= LEAST_WAIT) await new Promise((go) => setTimeout(go, wait));
      const asked = this.#now();
      for (const { staged } of parts) staged.map();
      this.#waits.learn(piece, { waited: asked - at, blocked: this.#now() - asked });
      // The device goes on before the host copies.
      if (piece + 1 < pieces) next = submitted(piece + 1);
      await Promise.all(parts.map(({ staged, into }) => staged.take(into)));
      arrived(piece);
    }
  }
}
