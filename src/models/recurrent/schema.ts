/** The config of recurrent networks, and their cells. */
import * as z from "zod";
import {
  type Cell,
  gru,
  gruBefore,
  lstm,
  rnnRelu,
  rnnTanh,
} from "../../../kernels/recurrence/mod.ts";

/** The `model` part of a config for a recurrent network. */
export const recurrentSchema = z.strictObject({
  kind: z.literal("recurrent").describe("Model family: a recurrent network"),
  cell: z.enum(["rnn_tanh", "rnn_relu", "lstm", "gru", "gru_before"]).default("lstm")
    .describe("Cell; gru resets after the recurrent product as PyTorch does, gru_before before it"),
  layers: z.int().min(1).default(1).describe("Stacked recurrent layers"),
  width: z.int().min(1).default(128).describe(
    "Hidden units per layer and direction, and features per token",
  ),
  dropout: z.number().min(0).lt(1).default(0)
    .describe("Probability to drop an activation between layers"),
  shared_dropout: z.boolean().default(false)
    .describe("Whether all time steps of a window share one dropout mask"),
  bidirectional: z.boolean().default(false)
    .describe("Whether the sequence is read from its end as well"),
  memory: z.number().min(1).nullable().default(null)
    .describe("Steps that the gates of lstm and gru keep at first; null is a forget bias of 1"),
  readout: z.enum(["last", "mean"]).default("last")
    .describe("Where one label of a window is read: at the end, or from the mean over time"),
});

/** A complete config of a recurrent network. */
export type RecurrentConfig = z.infer<typeof recurrentSchema>;

/** Cells by the name in configs. */
export const CELLS: Readonly<Record<RecurrentConfig["cell"], Cell>> = {
  rnn_tanh: rnnTanh,
  rnn_relu: rnnRelu,
  lstm,
  gru,
  gru_before: gruBefore,
};
