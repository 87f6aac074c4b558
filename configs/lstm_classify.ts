/** Sequence classification: whether a window of text runs forwards or backwards. */
import type { RunInput } from "../src/config/schema.ts";
import tags from "./bilstm_tags.ts";

export default {
  ...tags,
  name: "lstm_classify",
  eval: { every: 100, windows: 256 },
  model: { ...tags.model, readout: "mean" },
  data: { ...tags.data, source: "direction" },
} satisfies RunInput;
