/** As recall_rnn, with a transformer: attention reaches the name directly. */
import type { RunInput } from "../src/config/schema.ts";
import recallRnn from "./recall_rnn.ts";

export default {
  ...recallRnn,
  name: "recall_gpt",
  model: { kind: "gpt", layers: 2, width: 64, heads: 4, positions: "sinusoidal" },
} satisfies RunInput;
