/** Concatenates parts of a tensor while they are traced. */
import { allocate, updateSlice } from "../../kernels/shape/mod.ts";
import type { Shape } from "../base/shape.ts";
import { sizeOf } from "../base/shape.ts";
import type { Tensor } from "../graph/types.ts";

/** Parts in order, each copied to its position as soon as it is computed. */
export class Concatenation {
  readonly #shape: Shape;
  #whole: Tensor | undefined;
  #next = 0;

  /** `shape`: of the whole. */
  constructor(shape: Shape) {
    this.#shape = shape;
  }

  add(part: Tensor): void {
    const first = this.#next;
    this.#next += sizeOf(part.shape);
    this.#whole = this.#whole === undefined
      ? allocate(part, this.#shape)
      : updateSlice(this.#whole, part, { first });
  }

  /** @throws {RangeError} before the first part. */
  get whole(): Tensor {
    if (this.#whole === undefined) {
      throw new RangeError("Cannot gather parts: need at least one: 0");
    }
    return this.#whole;
  }
}
