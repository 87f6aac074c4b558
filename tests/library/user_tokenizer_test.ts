/** A tokenizer of one's own: a module that learns from the text, and is stored with the run. */
import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { openModel, train, type TrainConfig, UserError } from "shoal";
import { Place } from "../e2e/support.ts";

/** Words in the order of their first use, with the space before them; others are unknown. */
const WORDS = `
import { defineTokenizer } from "shoal";

export default defineTokenizer({
  name: "words",
  learn: (text) => Array.from(new Set(text.match(/ ?[a-z]+|[^a-z]/g))),
  make: (words) => ({
    size: words.length,
    encode: (text) => (text.match(/ ?[a-z]+|[^a-z]/g) ?? []).map((word) => {
      const id = words.indexOf(word);
      if (id < 0) throw new Error("no token for " + JSON.stringify(word));
      return id;
    }),
    decode: (ids) => ids.map((id) => words[id]).join(""),
  }),
});
`;

const config = (place: Place): TrainConfig => ({
  device: "reference",
  steps: 2,
  workers: 1,
  micro_batches: 2,
  micro_batch_size: 1,
  model: { layers: 1, width: 8, heads: 2 },
  data: { path: place.of("my.txt"), tokenizer: place.of("words.ts"), seq_len: 8 },
  eval: { every: 0 },
  report: { sample_length: 0 },
});

function ownPlace(tokenizer = WORDS): Place {
  const place = new Place();
  place.write("my.txt", "the whale and the sea, again and again. ".repeat(60));
  place.write("words.ts", tokenizer);
  return place;
}

Deno.test("a module gives the tokens; a checkpoint has what it learnt", async () => {
  using place = ownPlace();
  const { out, stateHash } = await train(config(place), { out: place.of("run") });
  const two = await train({ ...config(place), workers: 2, steps: 1 }, { out: place.of("two") });
  const rest = await train({ steps: 2 }, { out: two.out, resume: true });
  assertEquals(rest.stateHash, stateHash);
  using model = await openModel(out, { device: "reference" });
  const ids = model.tokenizer?.encode("the sea, again") ?? [];
  assertEquals([Array.from(ids), model.tokenizer?.decode(ids)], [[0, 4, 5, 6], "the sea, again"]);
  const { text, tokens } = await model.generate("the sea", { tokens: 5 });
  assertEquals(model.tokenizer?.decode(tokens), text);
  assertEquals(model.vocabulary, 9);
});

Deno.test("a tokenizer that cannot encode, is none, or has changed is refused in one line", async () => {
  using place = ownPlace();
  const refused = async (work: () => Promise<unknown>, pattern: RegExp) => {
    const { message } = await assertRejects(work, UserError);
    assertMatch(message, pattern);
    assertEquals(message.split("\n").length, 1);
  };
  const prompting = { ...config(place), report: { prompts: ["a shark"] } };
  await refused(
    () => train(prompting, { out: place.of("a") }),
    /^Cannot sample \(report\.prompts\) "a shark": Cannot use the tokenizer of \S+words\.ts: no token for "a"/,
  );
  place.write("none.ts", "export default {};");
  const none = {
    ...config(place),
    data: { path: place.of("my.txt"), tokenizer: place.of("none.ts") },
  };
  await refused(
    () => train(none, { out: place.of("b") }),
    /^Cannot use the module \S+none\.ts: need a tokenizer as default export, by defineTokenizer/,
  );
  place.write("large.ts", 'export default { name: "large", make: () => ({ size: 0 }) };');
  const large = { ...none, data: { ...none.data, tokenizer: place.of("large.ts") } };
  await refused(
    () => train(large, { out: place.of("c") }),
    /^Cannot use the tokenizer of \S+large\.ts: need a size of at least 1: got 0$/,
  );
});
