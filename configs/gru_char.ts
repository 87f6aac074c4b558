/** As rnn_char, with a GRU cell. */
import type { RunInput } from "../src/config/schema.ts";
import rnnChar from "./rnn_char.ts";

export default {
  ...rnnChar,
  name: "gru_char",
  model: { ...rnnChar.model, cell: "gru" },
} satisfies RunInput;
