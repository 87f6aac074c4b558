/**
 * An LSTM layer over a whole window in TensorFlow.js, in two forms: with its derivatives, and with
 * ours. It knows no model.
 */
import * as tf from "@tensorflow/tfjs";
import { B, D, T } from "./lstm_task.ts";

/** B windows, T tokens, D features of input and state. */
export interface LayerSizes {
  readonly B: number;
  readonly T: number;
  readonly D: number;
}

export type Matrix = tf.Tensor2D;

/** Weights of a layer: x [N, D] by wx [D, 4D], h [B, D] by wh [D, 4D], bias [4D]; gates i f o g. */
export interface Weights {
  readonly wx: tf.Tensor;
  readonly wh: tf.Tensor;
  readonly bias: tf.Tensor;
}

/** A layer over a whole window: x [T * B, D] to the states h [T * B, D]. */
export type Layer = (x: Matrix, weights: Weights) => Matrix;

const zeros = ({ B, D }: LayerSizes): Matrix => tf.zeros([B, D]);

/** Sizes of the bench of the recurrent step. */
const TASK: LayerSizes = { B, T, D };

/** Derivatives by TensorFlow.js. The input's product is one matmul for all T, ahead of the loop. */
export function autodiffLayer(x: Matrix, { wx, wh, bias }: Weights): Matrix {
  let h = zeros(TASK);
  let c = zeros(TASK);
  const states: Matrix[] = [];
  for (const xt of tf.split(tf.add<Matrix>(tf.matMul(x, wx), bias), T)) {
    const z = tf.add<Matrix>(xt, tf.matMul(h, wh));
    const [gates, g] = tf.split(z, [3 * D, D], 1) as [Matrix, Matrix];
    const [i, f, o] = tf.split(tf.sigmoid(gates), 3, 1) as [Matrix, Matrix, Matrix];
    c = tf.add(tf.mul(f, c), tf.mul(i, tf.tanh(g)));
    h = tf.mul(o, tf.tanh(c));
    states.push(h);
  }
  return tf.concat(states);
}

/**
 * The same with the backward pass written out: the gradients of the weights are one matmul for all
 * T, what does not depend on the order of time is computed for all T at once, and the transposed
 * weights are made once, since matMul with `transposeB` is three times as slow on llvmpipe.
 */
const byHand = (sizes: LayerSizes) =>
  tf.customGrad((...given) => {
    const { T, D } = sizes;
    const [x, wx, wh, bias, save] = given as [Matrix, Matrix, Matrix, tf.Tensor1D, tf.GradSaveFunc];
    const hs = [zeros(sizes)];
    const cs = [zeros(sizes)];
    const sigmoids: Matrix[] = [];
    const gs: Matrix[] = [];
    const tanhs: Matrix[] = [];
    tf.split(tf.add<Matrix>(tf.matMul(x, wx), bias), T).forEach((xt, t) => {
      const z = tf.add<Matrix>(xt, tf.matMul(hs[t] as Matrix, wh));
      const [gates, before] = tf.split(z, [3 * D, D], 1) as [Matrix, Matrix];
      const s = tf.sigmoid(gates);
      const g = tf.tanh(before);
      const [i, f, o] = tf.split(s, 3, 1) as [Matrix, Matrix, Matrix];
      const c = tf.add<Matrix>(tf.mul(f, cs[t] as Matrix), tf.mul(i, g));
      const tanh = tf.tanh(c);
      hs.push(tf.mul(o, tanh));
      cs.push(c);
      sigmoids.push(s);
      gs.push(g);
      tanhs.push(tanh);
    });
    const earlier = [hs.slice(0, T), cs.slice(0, T)].map((states) => tf.concat(states));
    const value = tf.concat(hs.slice(1));
    save([x, wx, wh, ...earlier, tf.concat(sigmoids), tf.concat(gs), tf.concat(tanhs)]);
    return { value, gradFunc: (dy, saved) => backward(dy, saved, sizes) };
  });

/** Gradients of x, wx, wh and bias, from dy [T * B, D] and what the forward pass saved. */
function backward(dy: tf.Tensor, saved: tf.Tensor[], sizes: LayerSizes): tf.Tensor[] {
  const { T } = sizes;
  const [x, wx, wh, h, c, s, g, tanh] = saved as [
    ...[Matrix, Matrix, Matrix],
    ...[Matrix, Matrix, Matrix, Matrix, Matrix],
  ];
  const [i, f, o] = tf.split(s, 3, 1) as [Matrix, Matrix, Matrix];
  const one = tf.scalar(1);
  const ds = tf.mul<Matrix>(tf.mul(s, tf.sub(one, s)), tf.concat([g, c, tanh], 1));
  const dg = tf.mul<Matrix>(i, tf.sub(one, tf.mul(g, g)));
  const dtanh = tf.mul<Matrix>(o, tf.sub(one, tf.mul(tanh, tanh)));
  const slopes = tf.split(tf.concat([ds, dg], 1), T);
  const [dys, dtanhs, fs] = [dy, dtanh, f].map((all) => tf.split(all, T)) as [
    ...[Matrix[], Matrix[], Matrix[]],
  ];
  const whT = tf.transpose(wh);
  const dzs: Matrix[] = [];
  let dh = zeros(sizes);
  let dc = zeros(sizes);
  for (let t = T - 1; t >= 0; t--) {
    const dht = tf.add<Matrix>(dys[t] as Matrix, dh);
    const dct = tf.add<Matrix>(dc, tf.mul(dht, dtanhs[t] as Matrix));
    const dz = tf.mul<Matrix>(tf.concat([dct, dct, dht, dct], 1), slopes[t] as Matrix);
    dzs[t] = dz;
    dh = tf.matMul(dz, whT);
    dc = tf.mul(dct, fs[t] as Matrix);
  }
  const dz = tf.concat(dzs);
  const dx = tf.matMul(dz, tf.transpose(wx));
  return [dx, tf.matMul(x, dz, true), tf.matMul(h, dz, true), tf.sum(dz, 0)];
}

/** The layer with the backward pass above, for some sizes. */
export function lstmLayer(sizes: LayerSizes): Layer {
  const layer = byHand(sizes);
  return (x, { wx, wh, bias }) => layer(x, wx, wh, bias) as Matrix;
}

/** The same for the bench of the recurrent step. */
export const byHandLayer: Layer = lstmLayer(TASK);
