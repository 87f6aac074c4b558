/** Textbook attention: passes that store every T x T matrix. */
import type { AttentionAttrs } from "../../../kernels/attention/mod.ts";
import { attentionSizes, extrasOf } from "../../../kernels/attention/attention_sizes.ts";
import { sizeOf } from "../../../src/base/shape.ts";
import { keepThreshold } from "../../../src/graph/formula_eval.ts";
import { literal } from "../../../src/graph/formula_wgsl.ts";
import type { Binding, Launch, Spec } from "../../../src/graph/types.ts";
import { linearGroups, THREEFRY } from "../../../src/graph/wgsl.ts";
import apply from "./attention_apply.wgsl" with { type: "text" };
import delta from "./attention_delta.wgsl" with { type: "text" };
import join from "./attention_join.wgsl" with { type: "text" };
import scores from "./attention_scores.wgsl" with { type: "text" };
import slopes from "./attention_slopes.wgsl" with { type: "text" };
import softmax from "./attention_softmax.wgsl" with { type: "text" };
import type { Twin } from "../twin.ts";

/** WGSL of `kept(index)`: the factor of a probability. The key is bound last. */
function keptWgsl({ dropout }: AttentionAttrs, binding: number): string {
  if (dropout === undefined) return "fn kept(index: u32) -> f32 { return 1.0f; }\n";
  const { keep, site } = dropout;
  return `${THREEFRY}@group(0) @binding(${binding}) var<storage, read> key: vec2<u32>;
fn kept(index: u32) -> f32 {
  let word = threefry(key, vec2<u32>(index, ${site}u)).x >> 8u;
  return select(0.0f, ${literal(1 / keep)}, word < ${keepThreshold(keep)}u);
}
`;
}

/**
 * WGSL of `met(row, key)`: whether query `row` of [B, H, T] may attend to `key`. Starts are bound
 * last.
 */
function metWgsl({ documents }: AttentionAttrs, binding: number): string {
  if (documents === undefined) return "fn met(row: u32, key: u32) -> bool { return true; }\n";
  return `@group(0) @binding(${binding}) var<storage, read> starts: array<u32>;
fn met(row: u32, key: u32) -> bool {
  return key >= starts[row / (T * H) * T + row % T];
}
`;
}

/** Bindings of an optional input. */
function perhaps<T>(extra: readonly T[], wanted: T | undefined, first: number): Binding[] {
  return wanted === undefined ? [] : [{ input: first + extra.indexOf(wanted) }];
}

function square(qkv: Spec | undefined, extra: readonly Spec[], attrs: AttentionAttrs): Spec {
  const { batch, time, heads } = attentionSizes(qkv, extra, attrs);
  return { shape: [batch, heads, time, time], dtype: "f32" };
}

/** Scores, softmax, weighted values. */
export const attentionTwin: Twin = {
  fills: [0, 1],
  scratch: ([qkv, ...extra], attrs: AttentionAttrs) => [square(qkv, extra, attrs)],
  launch({ inputs: [qkv, ...extra], outputs }, attrs: AttentionAttrs, { groups: limit }): Launch[] {
    const { time: T, heads: H, width: D } = attentionSizes(qkv, extra, attrs);
    const { key, starts } = extrasOf(extra, attrs);
    const groups = (k: number) => linearGroups(sizeOf(outputs[k]?.shape ?? []), limit);
    const constants = { T, H, D };
    const random = perhaps(extra, key, 1);
    const documents = perhaps(extra, starts, 1);
    return [
      {
        wgsl: metWgsl(attrs, 2) + scores,
        constants,
        bindings: [{ input: 0 }, { output: 2 }, ...documents],
        groups: groups(2),
      },
      {
        wgsl: softmax,
        constants: { T },
        bindings: [{ output: 2 }, { output: 1 }],
        groups: groups(1),
      },
      {
        wgsl: keptWgsl(attrs, 3) + apply,
        constants,
        bindings: [{ input: 0 }, { output: 2 }, { output: 0 }, ...random],
        groups: groups(0),
      },
    ];
  },
};

/** Row sums, probabilities and score gradients, then dqkv. */
export const attentionBackwardTwin: Twin = {
  fills: [0, 1],
  scratch: ([qkv, , , , ...extra], attrs: AttentionAttrs) => {
    const made = square(qkv, extra, attrs);
    return [made, made];
  },
  launch({ inputs, outputs }, attrs: AttentionAttrs, { groups: limit }): Launch[] {
    const { time: T, heads: H, width: D } = attentionSizes(inputs[0], inputs.slice(4), attrs);
    const { key, starts } = extrasOf(inputs.slice(4), attrs);
    const groups = (k: number) => linearGroups(sizeOf(outputs[k]?.shape ?? []), limit);
    const constants = { T, H, D };
    const random = perhaps(inputs, key, 0);
    const documents = perhaps(inputs, starts, 0);
    const [qkv, y, lse, dy] = [{ input: 0 }, { input: 1 }, { input: 2 }, { input: 3 }];
    const squares = [{ output: 2 }, { output: 3 }];
    return [
      { wgsl: delta, constants, bindings: [y, dy, { output: 1 }], groups: groups(1) },
      {
        wgsl: keptWgsl(attrs, 6) + metWgsl(attrs, 6 + random.length) + slopes,
        constants,
        bindings: [qkv, lse, dy, { output: 1 }, ...squares, ...random, ...documents],
        groups: groups(2),
      },
      {
        wgsl: join,
        constants,
        bindings: [qkv, dy, ...squares, { output: 0 }],
        groups: groups(0),
      },
    ];
  },
};
