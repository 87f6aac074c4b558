/** gpt_char with Llama's blocks, at nearly as many parameters. */
import type { RunInput } from "../src/config/schema.ts";
import gptChar from "./gpt_char.ts";

export default {
  ...gptChar,
  name: "llama_char",
  model: { kind: "llama", layers: 2, width: 64, heads: 4, kv_heads: 2 },
} satisfies RunInput;
