/** gpt_char as a mixture of experts: each token is sent to two of four. */
import type { RunInput } from "../src/config/schema.ts";
import gptChar from "./gpt_char.ts";

export default {
  ...gptChar,
  name: "moe_char",
  model: { kind: "moe", layers: 2, width: 64, heads: 4, kv_heads: 2, mlp_width: 88, experts: 4 },
} satisfies RunInput;
