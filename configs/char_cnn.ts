/** Text classification by a character CNN: whether a window of text runs forwards or backwards. */
import type { RunInput } from "../src/config/schema.ts";
import classify from "./lstm_classify.ts";

export default {
  ...classify,
  name: "char_cnn",
  model: { kind: "char_cnn" },
} satisfies RunInput;
