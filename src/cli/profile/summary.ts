/** Summarizes a measured step: time by op, parts of the step, utilization of the device. Pure. */
import { length, type Pass, type Steps, sumOf } from "./measure.ts";

/** Work of an op in a step. */
export interface OpSum {
  readonly op: string;
  readonly calls: number;
  readonly seconds: number;
  /** Of all ops' time. */
  readonly share: number;
  /** By the op's own count of what its result needs. */
  readonly flops: number;
  readonly bytes: number;
}

/**
 * Device time by op, the dearest first. Passes of the gradient and of tree additions stand for a
 * step of `times` as many micro-batches.
 */
export function byOp(passes: readonly Pass[], times = 1): OpSum[] {
  const sums = new Map<string, Omit<OpSum, "op" | "share">>();
  for (const pass of passes) {
    const { call, plan } = pass;
    if (call === undefined) continue;
    const weight = plan === "gradient" || plan === "tree add" ? times : 1;
    const { flops, bytes } = call.op.cost(call, call.attrs);
    const before = sums.get(call.op.name) ?? { calls: 0, seconds: 0, flops: 0, bytes: 0 };
    sums.set(call.op.name, {
      calls: before.calls + weight,
      seconds: before.seconds + weight * length(pass),
      flops: before.flops + weight * flops,
      bytes: before.bytes + weight * bytes,
    });
  }
  const total = sumOf([...sums.values()].map(({ seconds }) => seconds));
  return [...sums]
    .map(([op, each]) => ({ op, ...each, share: each.seconds / total }))
    .toSorted((a, b) => b.seconds - a.seconds);
}

/** A part of a step, in seconds. */
export interface TimePart {
  readonly part: string;
  readonly seconds: number;
  readonly words: string;
}

/** The parts of a mean step. Those of the host and those of the device overlap. */
export function partsOf({ host, device, mean }: Steps): TimePart[] {
  const { encode, write, copy, wait } = host;
  const gpu = sumOf(Object.values(device));
  const part = (part: string, seconds: number, words: string): TimePart => ({
    part,
    seconds,
    words,
  });
  return [
    part("GPU", gpu, "passes by the device's clock; copies between buffers left out"),
    part(
      "reduce",
      device["tree add"] ?? 0,
      "of the GPU: sums of micro-batches; one worker sends nothing",
    ),
    part("encode", encode, "host: passes are recorded and submitted"),
    part("write", write, "host: batches and numbers of the step are handed over"),
    part("copy", copy, "host: copies between buffers are queued"),
    part("wait", wait, "host: until the loss is read"),
    part("rest", mean - encode - write - copy - wait, "host: batches are made, and all else"),
  ];
}
