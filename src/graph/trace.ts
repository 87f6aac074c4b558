/** Traces: records op calls as they are applied. */
import type { Shape } from "../base/shape.ts";
import { showShape, sizeOf } from "../base/shape.ts";
import type { Attrs, Call, Constant, Op, Role, Spec, Tensor, Trace } from "./types.ts";

class Recorder implements Trace {
  readonly calls: Call<Tensor>[] = [];
  readonly constants: Constant[] = [];
  #next = 0;
  /** Where calls are recorded: the trace, or the parts of the composed call being traced. */
  #open: Call<Tensor>[] = this.calls;

  source(spec: Spec, role: Role, name?: string): Tensor {
    const { shape, dtype } = spec;
    const id = this.#next++;
    return name === undefined
      ? { id, shape, dtype, role, trace: this }
      : { id, shape, dtype, role, name, trace: this };
  }

  constant(shape: Shape, data: Float32Array): Tensor {
    if (data.length !== sizeOf(shape)) {
      throw new RangeError(
        `Cannot make a constant ${showShape(shape)} of ${data.length} values`,
      );
    }
    const tensor = this.source({ shape, dtype: "f32" }, "const");
    this.constants.push({ tensor, data });
    return tensor;
  }

  apply(op: Op, inputs: readonly Tensor[], attrs: Attrs): readonly Tensor[] {
    const { outputs, parts } = op.compose === undefined
      ? { outputs: op.shape(inputs, attrs).map((spec) => this.source(spec, "local")) }
      : this.#recorded(() => op.compose?.(inputs, attrs) ?? []);
    this.#open.push({ op, attrs, inputs, outputs, ...parts !== undefined && { parts } });
    return outputs;
  }

  /** The outputs of `compose` and the calls that it applies, which are recorded apart. */
  #recorded(
    compose: () => readonly Tensor[],
  ): { outputs: readonly Tensor[]; parts?: readonly Call<Tensor>[] } {
    const [outer, parts] = [this.#open, [] as Call<Tensor>[]];
    this.#open = parts;
    try {
      return { outputs: compose(), parts };
    } finally {
      this.#open = outer;
    }
  }
}

/** A new, empty trace. */
export function newTrace(): Trace {
  return new Recorder();
}

/**
 * Applies an op in the trace of its first input and returns all outputs.
 * @throws {RangeError} without inputs, or from the op's shape rule.
 */
export function applyAll(op: Op, inputs: readonly Tensor[], attrs: Attrs = {}): readonly Tensor[] {
  const [first] = inputs;
  if (first === undefined) throw new RangeError(`Cannot apply ${op.name} without inputs`);
  return first.trace.apply(op, inputs, attrs);
}

/** As {@linkcode applyAll}, but returns the first output only. */
export function apply(op: Op, inputs: readonly Tensor[], attrs: Attrs = {}): Tensor {
  return applyAll(op, inputs, attrs)[0] as Tensor;
}
