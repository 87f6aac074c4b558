/**
 * Defines ops as compositions of other ops. From the composition follow the shape rule, reference,
 * derivative, cost and the kernels that run; kernels and a vjp written by hand may replace theirs.
 */
import { showShape, sizeOf } from "../base/shape.ts";
import { newTrace } from "./trace.ts";
import type { Attrs, Cost, Io, Op, Spec, Tensor, View } from "./types.ts";

/** Parts of an op that may be written by hand beside its composition. */
export type HandWritten = Partial<
  Pick<Op, "launch" | "wasm" | "reference" | "cost" | "vjp" | "cheap" | "absorb">
>;

/** An op of inputs `N`, given as a composition of other ops. */
export interface Composition<N extends string = string> extends HandWritten, Pick<Op, "cases"> {
  /** Name, unique in the op table: lower case, words joined by `_`. */
  readonly name: string;
  /** Names of the inputs, in order. */
  readonly inputs: readonly N[];
  /**
   * Applies other ops to the inputs, by name, and returns the output or outputs: new tensors, each
   * once. A {@linkcode RangeError} that it throws is raised again with the name of this op.
   */
  compose(inputs: Readonly<Record<N, Tensor>>, attrs: Attrs): Tensor | readonly Tensor[];
}

const NAME = /^[a-z][a-z0-9]*(_[a-z0-9]+)*$/;

/**
 * An op from its composition. Without `launch` its calls are expanded in every plan, before fusion.
 * With `launch` its kernels run, on a CPU device that of `wasm`, and the composition stays their
 * reference. Without `vjp` the composition is differentiated.
 * @throws {TypeError} when the name is not lower case with `_`, or there are no cases to test by.
 */
export function defineOp<const N extends string>(composition: Composition<N>): Op;
/** An op that is written out, its name and cases checked. @throws {TypeError} as above. */
export function defineOp(op: Op): Op;
export function defineOp(given: Composition | Op): Op {
  const { name, cases } = given;
  if (!NAME.test(name)) {
    throw new TypeError(`Cannot define an op: need a name of a-z, 0-9 and _: got ${name}`);
  }
  if (cases.length === 0) {
    throw new TypeError(`Cannot define ${name}: need cases to test it by: got none`);
  }
  return "shape" in given ? given : composed(given);
}

function composed(given: Composition): Op {
  const { name, launch, inputs: _, compose: __, ...others } = given;
  const apply = (inputs: readonly Tensor[], attrs: Attrs) => outputsOf(given, inputs, attrs);
  return {
    shape: (inputs, attrs) =>
      traced(apply, inputs, attrs).outputs.map(({ shape, dtype }) => ({ shape, dtype })),
    launch: launch ?? (() => {
      throw new TypeError(`Cannot launch ${name}: need kernels: compile() expands its calls`);
    }),
    reference: (io, attrs) => runParts(io, traced(apply, io.inputs, attrs)),
    cost: (io, attrs) => {
      const cost = sumOfParts(traced(apply, io.inputs, attrs));
      return launch === undefined ? cost : { ...cost, bytes: bytesOf(io) };
    },
    ...others,
    name,
    compose: apply,
    isExpanded: launch === undefined,
  };
}

/** The outputs of a composition. @throws {RangeError} naming the op when inputs do not fit. */
function outputsOf(
  { name, inputs: names, compose }: Composition,
  inputs: readonly Tensor[],
  attrs: Attrs,
): readonly Tensor[] {
  const shapes = inputs.map(({ shape }) => showShape(shape)).join(" ");
  if (inputs.length !== names.length) {
    const got = inputs.length === 0 ? "nothing" : shapes;
    throw new RangeError(`Cannot ${name} ${got}: need ${names.join(", ")}: got ${inputs.length}`);
  }
  const byName = Object.fromEntries(names.map((key, k) => [key, inputs[k] as Tensor]));
  const outputs = [made(() => compose(byName, attrs), `Cannot ${name}`, shapes)].flat();
  outputs.forEach((t, k) => {
    if (!inputs.includes(t) && outputs.indexOf(t) === k) return;
    const other = inputs.includes(t) ? "an input" : `output ${outputs.indexOf(t)}`;
    throw new RangeError(`Cannot ${name} ${shapes}: need new tensors: output ${k} is ${other}`);
  });
  return outputs;
}

/** What `compose` returns. Its errors name the outer op; those that do already stay. */
function made<T>(compose: () => T, prefix: string, shapes: string): T {
  try {
    return compose();
  } catch (cause) {
    if (!(cause instanceof RangeError) || cause.message.startsWith(`${prefix} `)) throw cause;
    const why = cause.message.replace(/^Cannot/, "cannot");
    throw new RangeError(`${prefix} ${shapes}: ${why}`, { cause });
  }
}

/** A composition traced apart from any model. */
interface Traced {
  readonly sources: readonly Tensor[];
  readonly outputs: readonly Tensor[];
}

function traced(
  apply: (inputs: readonly Tensor[], attrs: Attrs) => readonly Tensor[],
  inputs: readonly Spec[],
  attrs: Attrs,
): Traced {
  const trace = newTrace();
  const sources = inputs.map(({ shape, dtype }) => trace.source({ shape, dtype }, "local"));
  return { sources, outputs: apply(sources, attrs) };
}

/** Work of all calls; the terms of their sums add up, since each call rounds its result. */
function sumOfParts({ outputs: [first] }: Traced): Cost {
  return (first?.trace.calls ?? []).map((call) => call.op.cost(call, call.attrs)).reduce(
    (a, b) => ({ flops: a.flops + b.flops, bytes: a.bytes + b.bytes, terms: a.terms + b.terms }),
    { flops: 0, bytes: 0, terms: 0 },
  );
}

/** Bytes of the inputs and outputs, each once. */
function bytesOf({ inputs, outputs }: Io<Spec>): number {
  return [...inputs, ...outputs].reduce((sum, { shape }) => sum + 4 * sizeOf(shape), 0);
}

/** Runs a composition by the references of its ops, with intermediate results in f64. */
function runParts({ inputs, outputs }: Io<View>, { sources, outputs: made }: Traced): void {
  const trace = made[0]?.trace;
  const views = new Map<Tensor, View>();
  const blank = ({ shape, dtype }: Spec): View["data"] =>
    new (dtype === "u32" ? Uint32Array : Float64Array)(sizeOf(shape));
  sources.forEach((t, k) => views.set(t, inputs[k] as View));
  trace?.constants.forEach(({ tensor, data }) => views.set(tensor, { ...tensor, data }));
  const view = (t: Tensor) => views.get(t) as View;
  for (const { op, attrs, inputs, outputs } of trace?.calls ?? []) {
    const donated = op.donate?.(attrs) ?? [];
    outputs.forEach((t, k) => {
      const from = donated[k];
      // An update in place starts from the values of its input.
      const data = from === undefined ? blank(t) : view(inputs[from] as Tensor).data.slice();
      views.set(t, { shape: t.shape, dtype: t.dtype, data });
    });
    op.reference({ inputs: inputs.map(view), outputs: outputs.map(view) }, attrs);
  }
  made.forEach((t, k) => (outputs[k] as View).data.set(view(t).data));
}
