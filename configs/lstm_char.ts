/** As rnn_char, with an LSTM cell. */
import type { RunInput } from "../src/config/schema.ts";
import rnnChar from "./rnn_char.ts";

export default {
  ...rnnChar,
  name: "lstm_char",
  model: { ...rnnChar.model, cell: "lstm" },
} satisfies RunInput;
