/**
 * Logits of the next token of targets, for models that read a source. A call computes whole windows:
 * T tokens of sources and of targets.
 */
import { sizeOf } from "../../base/shape.ts";
import type { NamedTensor } from "../../checkpoint/tensors/tensor.ts";
import type { Device } from "../../device/types.ts";
import { newTrace } from "../../graph/trace.ts";
import { modelOf } from "../../models/mod.ts";
import { newScope } from "../../nn/scope.ts";
import { compile } from "../../plan/compile.ts";
import type { HeldModel } from "../whole/whole_window.ts";

/** A source and what was written of its target. */
export interface Written {
  /** Token ids with the end. */
  readonly source: Uint32Array;
  readonly target: readonly number[];
}

/** A model on a device. */
export interface TargetWriter {
  /** Targets that a call continues at most. */
  readonly rows: number;
  /** T: most tokens of a source, and of a target with its start. */
  readonly context: number;
  /** Logits of the next token of each target. @throws {RangeError} for more than `rows`. */
  next(written: readonly Written[]): Promise<Float32Array[]>;
}

/** Loads a model that writes targets. `start`: the token that targets begin behind, and padding. */
export async function openWriter(
  device: Device,
  { model, vocabulary, context, params }: HeldModel,
  { rows, start }: { readonly rows: number; readonly start: number },
): Promise<TargetWriter> {
  const trace = newTrace();
  const { scope, params: declared } = newScope(trace, { training: false });
  const shape = [rows, context];
  const logits = modelOf(model).sequence?.(scope, {
    source: trace.source({ shape, dtype: "u32" }, "batch", "source"),
    lengths: trace.source({ shape: [rows], dtype: "u32" }, "batch", "lengths"),
    tokens: trace.source({ shape, dtype: "u32" }, "batch", "tokens"),
    vocabulary,
  }, model);
  if (logits === undefined) throw new RangeError(`Cannot write targets: ${model.kind} writes none`);
  const { calls, constants } = trace;
  const memory = device.memory();
  const program = await device.load(compile({ calls, constants, results: { logits } }), memory);
  for (const { name, shape } of declared) {
    memory.write(name, (params.get(name) as NamedTensor).data.subarray(0, sizeOf(shape)));
  }
  return {
    rows,
    context,
    async next(written) {
      if (written.length > rows) {
        throw new RangeError(`Cannot continue targets: need at most ${rows}: ${written.length}`);
      }
      const [sources, tokens] = [0, 1].map(() => new Uint32Array(rows * context).fill(start));
      const lengths = new Uint32Array(rows).fill(1);
      for (const [row, { source, target }] of written.entries()) {
        sources?.set(source, row * context);
        lengths[row] = source.length;
        tokens?.set(target, row * context + 1);
      }
      memory.write("source", sources as Uint32Array);
      memory.write("lengths", lengths);
      memory.write("tokens", tokens as Uint32Array);
      program.run();
      const all = await memory.read(written.map(({ target }, row) => ({
        slot: "logits",
        offset: (row * context + target.length) * vocabulary,
        length: vocabulary,
      })));
      return written.map((_, row) => all.subarray(row * vocabulary, (row + 1) * vocabulary));
    },
  };
}
