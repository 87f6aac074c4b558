/**
 * Workers that are gone for the run and may still speak: stopped ones that go on, or such as could
 * not be killed. What they say is counted and dropped, and then they are hung up on.
 */
import type { Link } from "./link.ts";

/** Links to workers that were given up. */
export class Zombies {
  readonly #links = new Map<number, Link>();

  /** Takes a link over; from `attempt` on nothing that it says counts. */
  add(id: number, link: Link, attempt: number): void {
    link.move(attempt);
    this.#links.set(id, link);
  }

  /** Whether a link that has ended was one of these. */
  ended(id: number): boolean {
    return this.#links.delete(id);
  }

  /** Hangs up on those that spoke; gives how many frames each had sent. */
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
