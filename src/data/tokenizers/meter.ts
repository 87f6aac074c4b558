/** How much one text may take: steps, and growth on its way through the parts of a tokenizer. */
import { UserError } from "../../base/user_error.ts";
import { MOST } from "./limits.ts";

/** Counts for one text at a time. What is counted depends on the text alone, never on a clock. */
export class WorkMeter {
  /** Remaining steps. Code that decrements it must call {@linkcode exceed} when it is below 0. */
  left = 0;
  #room = 0;
  #units = 0;

  /** Begins to count for a text of so many UTF-16 units. */
  begin(units: number): void {
    this.#units = units;
    this.left = MOST.steps * units + MOST.stepsMore;
    this.#room = MOST.growth * units + MOST.growthMore;
  }

  /** Counts steps of what is at `place`. @throws {UserError} `data` for too many. */
  take(steps: number, place: string): void {
    this.left -= steps;
    if (this.left < 0) this.exceed(place);
  }

  /** Counts UTF-16 units that are added to the text. @throws {UserError} `data` for too many. */
  grow(units: number, place: string): void {
    if (units <= 0) return;
    this.#room -= units;
    if (this.#room >= 0) return;
    throw this.#refusal(
      `need parts that make a text at most ${MOST.growth} times as long: ${place} makes it longer`,
    );
  }

  /** @throws {UserError} `data` for what is at `place`. */
  exceed(place: string): never {
    throw this.#refusal(
      `need parts that take at most ${MOST.steps} steps a character: ${place} takes more`,
    );
  }

  #refusal(what: string): UserError {
    const text = `a text of ${this.#units} characters`;
    return new UserError("data", `Cannot use the tokenizer.json on ${text}: ${what}`);
  }
}
