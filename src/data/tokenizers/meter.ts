/** Limits the work per text: steps, and growth of the text in normalizers and decoders. */
import { UserError } from "../../base/user_error.ts";
import { MOST } from "./limits.ts";

/** Counts steps for one text at a time. Deterministic: no clock is involved. */
export class WorkMeter {
  /** Remaining steps. Code that decrements it must call {@linkcode exceed} when it is below 0. */
  left = 0;
  #room = 0;
  #units = 0;

  /** Resets the limits for a text of `units` UTF-16 units. */
  begin(units: number): void {
    this.#units = units;
    this.left = MOST.steps * units + MOST.stepsMore;
    this.#room = MOST.growth * units + MOST.growthMore;
  }

  /** Counts steps of the part at `place`. @throws {UserError} `data` beyond the limit. */
  take(steps: number, place: string): void {
    this.left -= steps;
    if (this.left < 0) this.exceed(place);
  }

  /** Counts UTF-16 units added to the text. @throws {UserError} `data` beyond the limit. */
  grow(units: number, place: string): void {
    if (units <= 0) return;
    this.#room -= units;
    if (this.#room >= 0) return;
    throw this.#refusal(
      `need parts that make a text at most ${MOST.growth} times as long: ${place} makes it longer`,
    );
  }

  /** Fails with the step limit. @throws {UserError} `data` naming the part at `place`. */
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
