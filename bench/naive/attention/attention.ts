/**
 * Textbook attention: passes that store every Tq x Tk matrix, one thread per element. The backward
 * twin leaves out calls on three tensors with masks or dropout, which exceed the bindings of a launch.
 */
import type { AttentionAttrs } from "../../../kernels/attention/mod.ts";
import { basesOf } from "../../../kernels/attention/attention_attrs.ts";
import type { HeadPart } from "../../../kernels/attention/attention_attrs.ts";
import { attentionSizes, partColumns } from "../../../kernels/attention/attention_sizes.ts";
import type { AttentionSizes } from "../../../kernels/attention/attention_sizes.ts";
import { joinedSpec } from "../../../kernels/attention/attention_words.ts";
import type { WordName } from "../../../kernels/attention/attention_words.ts";
import { sizeOf } from "../../../src/base/shape.ts";
import type { Binding, Launch, Spec } from "../../../src/graph/types.ts";
import type { Twin } from "../twin.ts";
import {
  baseBuffers,
  baseName,
  keptWgsl,
  metWgsl,
  naiveLaunch,
  wordBuffers,
} from "./attention_wgsl.ts";
import type { NaiveBuffer, NaiveCall } from "./attention_wgsl.ts";

const MASKS: readonly WordName[] = ["starts", "lengths", "segments", "key_segments"];

const EACH_PAIR = `  let j = i % TK;
  let t = (i / TK) % TQ;
  let h = (i / (TK * TQ)) % H;
  let b = i / (TK * TQ * H);
  if (j > last_key(t)) { return; }
`;

function sizesOf(inputs: readonly Spec[], attrs: AttentionAttrs): AttentionSizes {
  return attentionSizes(inputs.slice(0, basesOf(attrs).length), attrs);
}

function square({ batch, heads, queries, keys }: AttentionSizes): Spec {
  return { shape: [batch, heads, queries, keys], dtype: "f32" };
}

const input = (name: string, at: number): NaiveBuffer => ({ name, at: { input: at } });
const output = (name: string, at: number): NaiveBuffer => ({ name, at: { output: at } });

/** WGSL of the sum over a head's width of the products of rows x at `from` and y at `to`. */
const product = (x: string, y: string, width: "D" | "DV") =>
  `for (var c = 0u; c < ${width}; c++) { total += ${x} * ${y}; }`;

/** Scores, softmax, weighted values. */
export const attentionTwin: Twin = {
  fills: [0, 1],
  scratch: (inputs, attrs: AttentionAttrs) => [square(sizesOf(inputs, attrs))],
  launch({ inputs, outputs }, attrs: AttentionAttrs, { groups: limit }): Launch[] {
    const call: NaiveCall = { sizes: sizesOf(inputs, attrs), attrs, joined: false };
    const [y, lse] = outputs as [Spec, Spec];
    const count = call.sizes.bases.length;
    const scores = output("scores", outputs.length - 1);
    const [q, k, v] = (["q", "k", "v"] as const).map((part) => baseName(call, part));
    const rowOf = (part: HeadPart) => partColumns(call.sizes, part).columns;
    return [
      naiveLaunch(call, {
        count: sizeOf(square(call.sizes).shape),
        limit,
        buffers: [...baseBuffers(call, "qk"), scores, ...wordBuffers(call, MASKS, count)],
        functions: metWgsl(call),
        body: `${EACH_PAIR}  let query = q_at(b, t, h);
  let key = k_at(b, j, h);
  var total = 0.0f;
  ${product(`${q}[query + c]`, `${k}[key + c]`, "D")}
  scores[i] = select(-3e38f, total / DIVISOR + bias(h, t, j), met(b, t, j));
`,
      }),
      naiveLaunch(call, {
        count: sizeOf(lse.shape),
        limit,
        buffers: [scores, output("lse", 1)],
        functions: metWgsl({ ...call, attrs: { ...attrs.causal && { causal: true }, heads: 1 } }),
        body: `  let row = i * TK;
  let last = last_key(i % TQ);
  var top = scores[row];
  for (var j = 1u; j <= last; j++) { top = max(top, scores[row + j]); }
  let some = top > -3e38f;
  var total = 0.0f;
  for (var j = 0u; j <= last; j++) { total += exp(scores[row + j] - top); }
  for (var j = 0u; j <= last; j++) {
    scores[row + j] = select(0.0f, exp(scores[row + j] - top) / total, some);
  }
  lse[i] = select(0.0f, top + log(total), some);
`,
      }),
      naiveLaunch(call, {
        count: sizeOf(y.shape),
        limit,
        buffers: [
          ...baseBuffers(call, "v"),
          ...[scores, output("y", 0)],
          ...wordBuffers(call, ["key"], count),
        ],
        functions: metWgsl({ ...call, attrs: { ...attrs.causal && { causal: true }, heads: 1 } }) +
          keptWgsl(call),
        body: `  let c = i % DV;
  let h = (i / DV) % H;
  let t = (i / (DV * H)) % TQ;
  let b = i / (DV * H * TQ);
  let row = ((b * H + h) * TQ + t) * TK;
  let value = v_at(b, 0u, h) + c;
  var total = 0.0f;
  for (var j = 0u; j <= last_key(t); j++) {
    total += scores[row + j] * kept(row + j) * ${v}[value + j * ${rowOf("v")}u];
  }
  y[i] = total;
`,
      }),
    ];
  },
};

/**
 * WGSL that adds the gradient of one element of a base tensor to `total`, if `column` is one of the
 * part's.
 */
function gradient(call: NaiveCall, part: HeadPart): string {
  const { heads, kvHeads } = call.sizes;
  const { first, columns, width, heads: own } = partColumns(call.sizes, part);
  const row = (of: HeadPart) => partColumns(call.sizes, of).columns;
  const time = part === "q" ? "TQ" : "TK";
  const [q, k] = [baseName(call, "q"), baseName(call, "k")];
  const group = heads / kvHeads;
  const [other, term] = part === "k"
    ? ["q_at(b, 0u, h) + c", `slopes[pair] * ${q}[other + n * ${row("q")}u]`]
    : ["(b * TQ * H + h) * DV + c", "probabilities[pair] * dy[other + n * H * DV]"];
  const sum = part === "q"
    ? `    let slope = ((b * H + head) * TQ + t) * TK;
    let key = k_at(b, 0u, head) + c;
    for (var j = 0u; j <= last_key(t); j++) {
      total += slopes[slope + j] * ${k}[key + j * ${row("k")}u];
    }`
    : `    for (var h = head * ${group}u; h < (head + 1u) * ${group}u; h++) {
      let square = (b * H + h) * TQ * TK + t;
      let other = ${other};
      for (var n = first_query(t); n < TQ; n++) {
        let pair = square + n * TK;
        total += ${term};
      }
    }`;
  return `  if (column >= ${first}u && column < ${first + own * width}u) {
    let c = (column - ${first}u) % ${width}u;
    let head = (column - ${first}u) / ${width}u;
    let t = (i / ${columns}u) % ${time};
    let b = i / (${columns}u * ${time});
${sum}
  }
`;
}

/** Row sums, probabilities and score gradients, then the gradients of the base tensors. */
export const attentionBackwardTwin: Twin = {
  fills: [0, 1],
  scratch: (inputs, attrs: AttentionAttrs) => {
    const made = square(sizesOf(inputs, attrs));
    return [made, made];
  },
  launch({ inputs, outputs }, attrs: AttentionAttrs, { groups: limit }): Launch[] {
    const sizes = sizesOf(inputs, attrs);
    const call: NaiveCall = { sizes, attrs, joined: joinedSpec(sizes, attrs) !== undefined };
    const count = sizes.bases.length;
    const [y, lse, dy] = [
      input("y", count),
      input("lse", count + 1),
      input("dy", count + 2),
    ] as const;
    const delta = output("delta", count);
    const squares = [
      output("probabilities", outputs.length - 2),
      output("slopes", outputs.length - 1),
    ];
    const [q, k, v] = (["q", "k", "v"] as const).map((part) => baseName(call, part));
    const all: readonly WordName[] = ["key", ...MASKS];
    const joins = sizes.bases.map((parts, base): Launch => {
      const read = (parts.includes("q") ? "k" : "") + (parts.includes("k") ? "q" : "");
      const at: Binding = { output: base };
      return naiveLaunch(call, {
        count: sizeOf(outputs[base]?.shape ?? []),
        limit,
        buffers: [
          ...baseBuffers(call, read),
          ...parts.includes("v") ? [dy] : [],
          ...squares.filter(({ name }) =>
            name === "slopes" ? parts.includes("q") || parts.includes("k") : parts.includes("v")
          ),
          { name: "gradient", at },
        ],
        functions: metWgsl({ ...call, attrs: { ...attrs.causal && { causal: true }, heads: 1 } }),
        body: `  let column = i % ${partColumns(sizes, parts[0] as HeadPart).columns}u;
  var total = 0.0f;
${[...parts].map((part) => gradient(call, part as HeadPart)).join("")}  gradient[i] = total;
`,
      });
    });
    return [
      naiveLaunch(call, {
        count: sizeOf(outputs[count]?.shape ?? []),
        limit,
        buffers: [y, dy, delta],
        body: `  let t = i % TQ;
  let h = (i / TQ) % H;
  let b = i / (TQ * H);
  let at = ((b * TQ + t) * H + h) * DV;
  var total = 0.0f;
  ${product("dy[at + c]", "y[at + c]", "DV")}
  delta[i] = total;
`,
      }),
      naiveLaunch(call, {
        count: sizeOf(square(sizes).shape),
        limit,
        buffers: [
          ...baseBuffers(call, "qkv"),
          ...[lse, dy, delta],
          ...squares,
          ...wordBuffers(call, all, count + 3),
        ],
        functions: metWgsl(call) + keptWgsl(call),
        body: `${EACH_PAIR}  let query = q_at(b, t, h);
  let key = k_at(b, j, h);
  let value = v_at(b, j, h);
  let row = i / TK;
  let result = ((b * TQ + t) * H + h) * DV;
  var total = 0.0f;
  ${product(`${q}[query + c]`, `${k}[key + c]`, "D")}
  let score = total / DIVISOR + bias(h, t, j);
  total = 0.0f;
  ${product("dy[result + c]", `${v}[value + c]`, "DV")}
  let p = select(0.0f, exp(score - lse[row]), met(b, t, j));
  probabilities[i] = p * kept(i);
  slopes[i] = p * (total * kept(i) - delta[row]) / DIVISOR;
`,
      }),
      ...joins,
    ];
  },
};
