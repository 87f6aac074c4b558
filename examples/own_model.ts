/** Trains a model of one's own on a text of one's own. The module and the program are one file. */
import { headModel, layers, openModel, outputHead, train } from "shoal";
import * as z from "zod";

const schema = z.strictObject({
  kind: z.literal("attention_only"),
  width: z.int().min(1).default(32).describe("Features per token"),
  heads: z.int().min(1).default(2).describe("Attention heads"),
});

export default headModel({
  kind: "attention_only",
  schema,
  head(scope, { tokens, vocabulary, classes, last }, { width, heads }) {
    const table = layers.embed(scope.in("tokens"), tokens, { vocabulary, width });
    const x = layers.positions(scope.in("positions"), table, "learned");
    const qkv = layers.linear(scope.in("qkv"), layers.layerNorm(scope.in("norm"), x), {
      width: 3 * width,
    });
    const y = layers.plus(x, layers.attend(scope, qkv, { heads, dropout: 0 }));
    return outputHead(scope.in("head"), last ? layers.readout(y, "last") : y, { classes });
  },
  generates: () => ({ memory: "window" }),
});

/** Trains on the text at a path, then generates behind token 0, which every vocabulary has. */
async function main(path: string): Promise<void> {
  const config = {
    steps: 200,
    model: { module: import.meta.url, width: 48 },
    data: { path, seq_len: 32 },
  };
  const { out, stateHash } = await train(config, {
    onEvent: (event) => event.type === "eval" && console.log(event.step, event.valLoss),
  });
  using model = await openModel(out);
  console.log(stateHash, (await model.generate([0], { tokens: 80 })).text);
}

if (import.meta.main) main(Deno.args[0] ?? "my.txt"); // no await: workers import this module too
