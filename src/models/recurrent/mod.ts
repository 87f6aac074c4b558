/**
 * Recurrent networks: an embedding, stacked recurrent layers, a linear head. B batch, T time,
 * H hidden units, V vocabulary, K classes.
 */
import type { Tensor } from "../../graph/types.ts";
import { type Head, outputHead } from "../../nn/head.ts";
import { dropout, embed, readout } from "../../nn/layers.ts";
import { recurrent } from "../../nn/recurrent.ts";
import type { CellInit } from "../../nn/recurrent.ts";
import type { Scope } from "../../nn/scope.ts";
import { classification } from "../../nn/terms.ts";
import { CELLS, type RecurrentConfig, recurrentSchema } from "./schema.ts";
import { TORCH_LAYOUT } from "./torch.ts";
import { defineModel, denseFlops, type LogitsInput, type ModelFault } from "../definition.ts";

export { CELLS, type RecurrentConfig, recurrentSchema } from "./schema.ts";

/**
 * Initialisation of a cell: forget bias 1 (Jozefowicz et al. 2015), or gate biases for a time
 * constant of `memory` steps (chrono initialisation, Tallec and Ollivier 2018, section 2); identity
 * recurrent weights for ReLU (IRNN, Le et al. 2015).
 */
function initOf({ cell, memory }: RecurrentConfig): CellInit {
  const keep = memory === null ? undefined : Math.log(memory);
  switch (cell) {
    case "rnn_tanh":
      return {};
    case "rnn_relu":
      return { recurrent: { kind: "identity" } };
    case "lstm":
      return { bias: { kind: "blocks", values: keep ? [-keep, keep, 0, 0] : [0, 1, 0, 0] } };
    default:
      return keep ? { bias: { kind: "blocks", values: [0, keep, 0] } } : {};
  }
}

/** The model. */
export const recurrentNet = defineModel<RecurrentConfig>({
  kind: "recurrent",
  schema: recurrentSchema,
  reads: ["tokens"],
  loss(scope, { tokens, targets }, config, { vocabulary, classes, carries, targetKind }) {
    const last = targetKind === "sequence_class";
    const input = { tokens: tokens as Tensor, vocabulary, classes, last, carries };
    return classification(headOf(scope, input, config), targets as Tensor);
  },
  logits(scope, input, config) {
    const { logits, x } = headOf(scope, input, config);
    return logits(x);
  },
  generates: ({ bidirectional }) => bidirectional ? "it is bidirectional" : { memory: "state" },
  exchange: TORCH_LAYOUT,
  carries: true,
  directions: ({ bidirectional }) => bidirectional ? ["forward", "backward"] : ["forward"],
  faults({ bidirectional, readout }, { task: { carries, targetKind }, source }) {
    const faults: ModelFault[] = [];
    if (bidirectional && carries) {
      const reason =
        "a state that comes from a window's end cannot be carried to the next (data.bptt)";
      faults.push(["bidirectional", `need false, since ${reason}: true`]);
    } else if (bidirectional && targetKind === "next_token") {
      const reason = "a next-token model that reads backwards sees the answer";
      faults.push(["bidirectional", `need false for source ${source}, since ${reason}: true`]);
    }
    if (readout === "mean" && targetKind !== "sequence_class") {
      const reason = "one label of a whole window";
      faults.push([
        "readout",
        `need last for source ${source}, which does not ask for ${reason}: mean`,
      ]);
    }
    return faults;
  },
  unused: ({ cell, memory }) =>
    memory !== null && cell.startsWith("rnn_") ? [["memory", "a model.cell with gates"]] : [],
  flops: (_, { all, matrices }) => [denseFlops(all), {
    formula: "6N_matrices",
    per_token: 6 * matrices,
    words: "recurrent matrices alone: no head, which costs 6VD more, and no table",
  }],
});

/** The output layer over [B, T, H]; over the pooled output with `last`. */
function headOf(
  scope: Scope,
  { tokens, vocabulary, classes, last, carries }: LogitsInput,
  config: RecurrentConfig,
): Head {
  const { layers, width, bidirectional, dropout: p, shared_dropout: shared } = config;
  const init = initOf(config);
  // Unit variance, as in torch.nn.Embedding: gates barely respond to small inputs at first.
  let x = embed(scope.in("tokens"), tokens, { vocabulary, width, std: 1 });
  for (let layer = 0; layer < layers; layer++) {
    if (layer > 0) x = dropout(scope, x, p, { shared });
    const options = { cell: CELLS[config.cell], init, width, layer, bidirectional, carries };
    x = recurrent(scope.in("rnn"), x, options).y;
  }
  const kind = scope.decode === undefined ? config.readout : "last";
  return outputHead(scope.in("head"), last ? readout(x, kind) : x, { classes });
}
