/** As recall_rnn, with an LSTM whose initial time constant is about the gap. */
import type { RunInput } from "../src/config/schema.ts";
import recallRnn from "./recall_rnn.ts";

export default {
  ...recallRnn,
  name: "recall_lstm",
  model: { ...recallRnn.model, cell: "lstm", memory: 30 },
} satisfies RunInput;
