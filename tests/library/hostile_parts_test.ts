/** Models, optimizers and tokenizers that break their promises end a run before its workers start. */
import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { type RunEvent, train, type TrainConfig, UserError } from "shoal";
import { namesIn, Place } from "../e2e/support.ts";

/** A model that adds the mean over the tokens so far, which generates or not. */
const MIXER = (generates: string) => `
import { batchedMatmul, headModel, layers, outputHead } from "shoal";
import * as z from "zod";

export default headModel({
  kind: "mixer",
  schema: z.strictObject({ kind: z.literal("mixer") }),
  head(scope, { tokens, vocabulary, classes, last }) {
    const x = layers.embed(scope.in("tokens"), tokens, { vocabulary, width: 8 });
    const [batch, time] = x.shape;
    const means = Float32Array.from({ length: batch * time * time }, (_, i) => {
      const [row, column] = [Math.floor(i / time) % time, i % time];
      return column > row ? 0 : 1 / (row + 1);
    });
    const y = layers.plus(x, batchedMatmul(scope.trace.constant([batch, time, time], means), x));
    return outputHead(scope.in("head"), last ? layers.readout(y, "last") : y, { classes });
  },
  ${generates}
});
`;
const OPTIMIZER = `
import { defineOptimizer, elementwise, formulas } from "shoal";
const { formula, mul, sub } = formulas;
export default defineOptimizer({
  kind: "plain",
  optimizer: elementwise({
    name: "plain",
    moments: () => [],
    scalars: ["rate"],
    scalarsAt: () => ({}),
    update: () => formula(4, (gradient, clip, rate, p) => sub(p, mul(rate, mul(gradient, clip)))),
  }),
});
`;
const TOKENIZER = `
import { defineTokenizer } from "shoal";
let calls = 0;
export default defineTokenizer({
  name: "moody",
  make: () => ({
    size: 300,
    encode: (text) => Array.from(text, (c) => c.charCodeAt(0) % 256 + (calls++ % 7)),
    decode: (ids) => String.fromCharCode(...ids),
  }),
});
`;

const config = (place: Place, more: TrainConfig = {}): TrainConfig => ({
  device: "reference",
  steps: 2,
  workers: 1,
  micro_batches: 1,
  micro_batch_size: 1,
  model: { layers: 1, width: 8, heads: 2 },
  eval: { every: 0 },
  report: { sample_length: 0 },
  ...more,
  data: { path: place.of("text.txt"), seq_len: 8, ...more.data },
});

Deno.test("a run is refused in one line before its workers start, and leaves nothing", async () => {
  using place = new Place();
  place.write("mixer.ts", MIXER('generates: () => ({ memory: "window" }),'));
  place.write("plain.ts", OPTIMIZER);
  place.write("moody.ts", TOKENIZER);
  const refused = async (more: TrainConfig, pattern: RegExp) => {
    const events: RunEvent["type"][] = [];
    const onEvent = ({ type }: RunEvent) => void events.push(type);
    const work = () => train(config(place, more), { out: place.of("run"), onEvent });
    const { message } = await assertRejects(work, UserError);
    assertMatch(message, pattern);
    assertEquals(message.split("\n").length, 1);
    assertEquals(events.filter((type) => type !== "doing" && type !== "notice"), []);
    assertEquals(namesIn(place.path).includes("run"), false);
    place.assertQuiet();
  };
  await refused(
    { model: { module: place.of("mixer.ts") } },
    /^Cannot decode with model mixer \(\S+mixer\.ts\): need the same logits token by token as .* token 2 differ by \S+ % of the largest; without generates it only trains$/,
  );
  await refused(
    { optim: { module: place.of("plain.ts") } },
    /^Cannot call scalarsAt of optimizer plain \(\S+plain\.ts\): need a finite f32 for rate at step 0: got undefined$/,
  );
  await refused(
    { data: { tokenizer: place.of("moody.ts") } },
    /Cannot use the tokenizer of \S+moody\.ts: need encode of moody to return the same ids for the same text: got id \d+ and then id \d+ at token 1$/,
  );
});

Deno.test("a model that mixes positions trains where it does not generate", async () => {
  using place = new Place();
  place.write("mixer.ts", MIXER(""));
  const model = { module: place.of("mixer.ts") };
  const { finished } = await train(config(place, { model }), { out: place.of("run") });
  assertEquals(finished, true);
});

Deno.test("a window of attention that is longer than the sequences gets a notice", async () => {
  using place = new Place();
  const notices = async (attention_window: number) => {
    const said: string[] = [];
    const model = { layers: 1, width: 8, heads: 2, attention_window };
    const onEvent = (event: RunEvent) => event.type === "notice" && said.push(event.text);
    await train(config(place, { model }), { out: place.of(`run${attention_window}`), onEvent });
    return said.filter((text) => text.includes("attention_window"));
  };
  assertEquals(await notices(8), []);
  assertEquals(await notices(9), [
    "model.attention_window 9 has no effect: it is longer than a window of 8 tokens " +
    "(data.seq_len)",
  ]);
});
