/**
 * A stacked LSTM language model in jax-js, by PyTorch's names and gate order (i f g o). The library
 * has no scan, so the loop over time is unrolled into the traced step. B batch, T time, H state.
 */
import { nn, numpy as np } from "@jax-js/jax";
import { linear, nextTokenLoss, type Params, rowsOf, take } from "./jax_parts.ts";
import { sizeIn, type Task } from "./task.ts";

/** The mean loss in nats per token, of parameters and ids [B, T]. */
export function lstmLoss(task: Task): (p: Params, inputs: np.Array, targets: np.Array) => np.Array {
  const [B, T, D] = ["B", "T", "D"].map((name) => sizeIn(task, name)) as [number, number, number];
  const [L, V] = ["L", "V"].map((name) => sizeIn(task, name)) as [number, number];
  /** x [T, B, D] to the states [T, B, D]; the input's product is one matmul for all T. */
  const layer = (p: Params, l: number, x: np.Array): np.Array => {
    const bias = np.add(take(p, `rnn.bias_ih_l${l}`), take(p, `rnn.bias_hh_l${l}`));
    const wih = np.transpose(take(p, `rnn.weight_ih_l${l}`));
    const whh = np.transpose(take(p, `rnn.weight_hh_l${l}`));
    const xw = np.add(np.matmul(x.reshape([T * B, D]), wih), bias).reshape([T, B, 4 * D]);
    let h: np.Array | undefined;
    let c: np.Array | undefined;
    const states: np.Array[] = [];
    for (const xt of np.unstack(xw, 0)) {
      const z = h === undefined ? xt : xt.add(np.matmul(h, whh.ref));
      const [i, f, g, o] = np.split(z, 4, -1) as [np.Array, np.Array, np.Array, np.Array];
      const fresh = nn.sigmoid(i).mul(np.tanh(g));
      if (c === undefined) f.dispose();
      c = c === undefined ? fresh : nn.sigmoid(f).mul(c).add(fresh);
      h = nn.sigmoid(o).mul(np.tanh(c.ref));
      states.push(h.ref);
    }
    h?.dispose();
    c?.dispose();
    whh.dispose();
    return np.stack(states, 0);
  };
  return (p, inputs, targets) => {
    let x = rowsOf(take(p, "tokens.weight"), np.transpose(inputs), V).reshape([T, B, D]);
    for (let l = 0; l < L; l++) x = layer(p, l, x);
    const logits = linear(p, "head", x.reshape([T * B, D]));
    return nextTokenLoss(logits, np.transpose(targets), V);
  };
}
