/**
 * Evicted workers that may still send frames, because they were stopped or could not be killed. Their
 * frames are counted and dropped; then their links are closed.
 */
import type { Link } from "./link.ts";

/** Links to evicted workers. */
export class Zombies {
  readonly #links = new Map<number, Link>();

  /** Takes over a link, which drops all frames before `attempt`. */
  add(id: number, link: Link, attempt: number): void {
    link.move(attempt);
    this.#links.set(id, link);
  }

  /** Removes a link that has ended; whether it was one of these. */
  ended(id: number): boolean {
    return this.#links.delete(id);
  }

  /** Closes the links that received frames; returns how many frames each dropped. */
  hangUp(): { readonly id: number; readonly frames: number }[] {
    const spoke = Array.from(this.#links).filter(([, link]) => link.stale > 0);
    for (const [id, link] of spoke) {
      link.close();
      this.#links.delete(id);
    }
    return spoke.map(([id, { stale: frames }]) => ({ id, frames }));
  }

  close(): void {
    for (const link of this.#links.values()) link.close();
  }
}
