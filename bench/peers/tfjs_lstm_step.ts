/**
 * A stacked LSTM language model in TensorFlow.js on the layer whose backward pass is written out,
 * the fastest of its forms (README.md). B batch, T time, D width, V vocabulary.
 */
import * as tf from "@tensorflow/tfjs";
import { lstmLayer } from "./tfjs_layers.ts";
import { linear, nextTokenLoss, type Params, rowsOf, take } from "./tfjs_gpt.ts";
import { type Loaded, sizeIn, type Task } from "./task.ts";

/** PyTorch's gates are i f g o; the layer takes i f o g. */
const ORDER = [0, 1, 3, 2] as const;

/** Parameters by PyTorch's names as the layer wants them: gates in its order, matrices transposed. */
export function lstmParams(stored: readonly Loaded[]): Loaded[] {
  return stored.map((tensor) => {
    if (!tensor.name.startsWith("rnn.")) return tensor;
    const { shape: [rows = 0, columns], data } = tensor;
    const [width, inner] = [rows / ORDER.length, columns ?? 1];
    const made = new Float32Array(data.length);
    for (let row = 0; row < rows; row++) {
      const from = (ORDER[Math.floor(row / width)] as number) * width + row % width;
      for (let k = 0; k < inner; k++) made[k * rows + row] = data[from * inner + k] as number;
    }
    return { ...tensor, shape: columns === undefined ? [rows] : [columns, rows], data: made };
  });
}

/** The mean loss in nats per token, of parameters and ids [B, T]. */
export function lstmLoss(
  task: Task,
): (p: Params, inputs: tf.Tensor, targets: tf.Tensor) => tf.Scalar {
  const [B, T, D] = ["B", "T", "D"].map((name) => sizeIn(task, name)) as [number, number, number];
  const [L, V] = ["L", "V"].map((name) => sizeIn(task, name)) as [number, number];
  const layer = lstmLayer({ B, T, D });
  return (p, inputs, targets) => {
    const flat = (ids: tf.Tensor) => tf.reshape(tf.transpose(ids), [-1]);
    let x = rowsOf(take(p, "tokens.weight"), flat(inputs), V);
    for (let l = 0; l < L; l++) {
      const [bih, bhh] = [take(p, `rnn.bias_ih_l${l}`), take(p, `rnn.bias_hh_l${l}`)];
      x = layer(x as tf.Tensor2D, {
        wx: take(p, `rnn.weight_ih_l${l}`),
        wh: take(p, `rnn.weight_hh_l${l}`),
        bias: tf.add(bih, bhh),
      });
    }
    return nextTokenLoss(linear(p, "head", x), flat(targets), V);
  };
}
