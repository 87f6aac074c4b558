/**
 * GPT-2 (Radford et al. 2019, section 2.3) in TensorFlow.js, with the parameters' names of Shoal.
 * B batch, T time, D width, H heads, V vocabulary.
 */
import * as tf from "@tensorflow/tfjs";
import { sizeIn, type Task } from "./task.ts";

/** Parameters by name. */
export type Params = Map<string, tf.Variable>;

/** Vocabularies up to which one-hot rows by a matmul are taken, whose gradient is a matmul too. */
const ONE_HOT = 1024;

/** The parameter `name`. @throws {RangeError} when there is none. */
export function take(params: Params, name: string): tf.Variable {
  const found = params.get(name);
  if (found === undefined) throw new RangeError(`Cannot take ${name}: there is no such parameter`);
  return found;
}

/** x W + b over the last axis of x [R, K]. */
export function linear(p: Params, name: string, x: tf.Tensor): tf.Tensor {
  return tf.add(tf.matMul(x, take(p, `${name}.weight`)), take(p, `${name}.bias`));
}

/** Layer normalisation over the last axis. */
export function normalise(x: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor): tf.Tensor {
  const centred = tf.sub(x, tf.mean(x, -1, true));
  const variance = tf.mean(tf.square(centred), -1, true);
  return tf.add(tf.mul(tf.mul(centred, tf.rsqrt(tf.add(variance, 1e-5))), weight), bias);
}

/** GELU in its tanh form. */
function gelu(x: tf.Tensor): tf.Tensor {
  const inner = tf.mul(x, tf.add(Math.sqrt(2 / Math.PI), tf.mul(tf.square(x), 0.0356774081)));
  return tf.mul(tf.mul(x, 0.5), tf.add(1, tf.tanh(inner)));
}

/** Sizes of an attention. */
interface AttentionSizes {
  readonly B: number;
  readonly T: number;
  readonly D: number;
  readonly H: number;
}

/** Causal attention of packed queries, keys and values [B, T, 3D]: [B, T, D]. */
export function attend(qkv: tf.Tensor, { B, T, D, H }: AttentionSizes): tf.Tensor {
  const [q, k, v] = tf.split(qkv, 3, -1).map((part) =>
    tf.transpose(tf.reshape(part, [B, T, H, D / H]), [0, 2, 1, 3])
  ) as [tf.Tensor, tf.Tensor, tf.Tensor];
  const scores = tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(D / H));
  const later = tf.sub(1, tf.linalg.bandPart(tf.ones([T, T]), -1, 0));
  const mixed = tf.matMul(tf.softmax(tf.sub(scores, tf.mul(later, 1e9))), v);
  return tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [B, T, D]);
}

/** Rows of a table [V, D] by ids [R]. */
export function rowsOf(table: tf.Tensor, ids: tf.Tensor, V: number): tf.Tensor {
  return V <= ONE_HOT ? tf.matMul(oneHot(ids, V), table) : tf.gather(table, ids);
}

/** Mean cross-entropy of logits [R, V] and targets [R]. */
export function nextTokenLoss(logits: tf.Tensor, targets: tf.Tensor, V: number): tf.Scalar {
  return tf.losses.softmaxCrossEntropy(oneHot(targets, V), logits);
}

function oneHot(ids: tf.Tensor, V: number): tf.Tensor {
  return tf.cast(tf.oneHot(ids as tf.Tensor1D, V), "float32");
}

/** The mean loss in nats per token, of parameters and ids [B, T]. */
export function gptLoss(
  task: Task,
): (p: Params, inputs: tf.Tensor, targets: tf.Tensor) => tf.Scalar {
  const [B, T, D] = ["B", "T", "D"].map((name) => sizeIn(task, name)) as [number, number, number];
  const [L, H, V] = ["L", "H", "V"].map((name) => sizeIn(task, name)) as [number, number, number];
  const norm = (p: Params, name: string, x: tf.Tensor): tf.Tensor =>
    normalise(x, take(p, `${name}.weight`), take(p, `${name}.bias`));
  return (p, inputs, targets) => {
    const tokens = take(p, "tokens.weight");
    const rows = tf.reshape(rowsOf(tokens, tf.reshape(inputs, [-1]), V), [B, T, D]);
    let x = tf.reshape(tf.add(rows, take(p, "positions.weight")), [B * T, D]);
    for (let i = 0; i < L; i++) {
      const at = `blocks.${i}`;
      const qkv = linear(p, `${at}.qkv`, norm(p, `${at}.norm1`, x));
      const mixed = attend(tf.reshape(qkv, [B, T, 3 * D]), { B, T, D, H });
      x = tf.add(x, linear(p, `${at}.out`, tf.reshape(mixed, [B * T, D])));
      const hidden = gelu(linear(p, `${at}.up`, norm(p, `${at}.norm2`, x)));
      x = tf.add(x, linear(p, `${at}.down`, hidden));
    }
    x = norm(p, "norm", x);
    const tied = sizeIn(task, "tied") === 1;
    const logits = tied ? tf.matMul(x, tokens, false, true) : tf.matMul(x, take(p, "head.weight"));
    return nextTokenLoss(logits, tf.reshape(targets, [-1]), V);
  };
}
