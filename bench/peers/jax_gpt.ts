/**
 * GPT-2 (Radford et al. 2019, section 2.3) in jax-js, with the parameters' names of Shoal. B batch,
 * T time, D width, H heads, V vocabulary. What a function is given it consumes, as the library asks.
 */
import { nn, numpy as np } from "@jax-js/jax";
import { layerNorm, linear, nextTokenLoss, type Params, rowsOf, take } from "./jax_parts.ts";
import { sizeIn, type Task } from "./task.ts";

/** The mean loss in nats per token, of parameters and ids [B, T]. */
export function gptLoss(task: Task): (p: Params, inputs: np.Array, targets: np.Array) => np.Array {
  const [B, T, D] = ["B", "T", "D"].map((name) => sizeIn(task, name)) as [number, number, number];
  const [L, H, V] = ["L", "H", "V"].map((name) => sizeIn(task, name)) as [number, number, number];
  const tied = sizeIn(task, "tied") === 1;
  const attend = (x: np.Array): np.Array => {
    const parts = np.split(x, 3, -1).map((part) => part.reshape([B, T, H, D / H]));
    const [q, k, v] = parts as [np.Array, np.Array, np.Array];
    return nn.dotProductAttention(q, k, v, { isCausal: true }).reshape([B * T, D]);
  };
  return (p, inputs, targets) => {
    const tokens = take(p, "tokens.weight");
    let x = np.add(
      rowsOf(tied ? tokens.ref : tokens, inputs, V).reshape([B, T, D]),
      take(p, "positions.weight"),
    ).reshape([B * T, D]);
    for (let i = 0; i < L; i++) {
      const at = `blocks.${i}`;
      const qkv = linear(p, `${at}.qkv`, layerNorm(p, `${at}.norm1`, x.ref));
      x = x.add(linear(p, `${at}.out`, attend(qkv.reshape([B, T, 3 * D]))));
      const hidden = nn.gelu(linear(p, `${at}.up`, layerNorm(p, `${at}.norm2`, x.ref)), {
        approximate: true,
      });
      x = x.add(linear(p, `${at}.down`, hidden));
    }
    x = layerNorm(p, "norm", x);
    const logits = tied ? np.matmul(x, np.transpose(tokens)) : np.matmul(x, take(p, "head.weight"));
    return nextTokenLoss(logits, targets, V);
  };
}
