/** As recall_rnn, with a GRU whose initial time constant is about the gap. */
import type { RunInput } from "../src/config/schema.ts";
import recallRnn from "./recall_rnn.ts";

export default {
  ...recallRnn,
  name: "recall_gru",
  model: { ...recallRnn.model, cell: "gru", memory: 30 },
} satisfies RunInput;
