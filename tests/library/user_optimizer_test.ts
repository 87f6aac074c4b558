/** An optimizer of one's own: a module with a formula, and keys of its own. */
import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { loadCheckpoint, train, type TrainConfig, UserError } from "shoal";
import { Place } from "../e2e/support.ts";

/** Sign descent with a moving average of the gradient. */
const SIGNED = `
import { defineOptimizer, elementwise, formulas, scheduledRate } from "shoal";
import * as z from "zod";

const { add, formula, mul, sign, sub } = formulas;

export default defineOptimizer({
  kind: "signed",
  keys: z.strictObject({ beta: z.number().min(0).lt(1).default(0.9).describe("Decay of the mean") }),
  optimizer: elementwise({
    name: "signed",
    moments: () => ["mean"],
    scalars: ["lr"],
    scalarsAt: (step, config) => ({ lr: scheduledRate(step, config) }),
    update: ({ beta, weight_decay }, { decay, lrScale }) =>
      formula(5, (gradient, clip, lr, p, mean) => {
        const next = add(mul(mean, beta), mul(mul(gradient, clip), 1 - beta));
        const direction = add(mul(sign(next), lrScale), decay ? mul(p, weight_decay) : 0);
        return [sub(p, mul(lr, direction)), next];
      }),
  }),
});
`;

const config = (place: Place, optim = {}): TrainConfig => ({
  device: "reference",
  steps: 3,
  workers: 1,
  micro_batches: 2,
  micro_batch_size: 1,
  model: { layers: 1, width: 8, heads: 2 },
  data: { path: place.of("text.txt"), seq_len: 8 },
  optim: { module: place.of("signed.ts"), warmup_steps: 1, decay_steps: 3, ...optim },
  eval: { every: 0 },
  report: { sample_length: 0 },
});

Deno.test("a module gives the optimizer, with moments in checkpoints and keys of its own", async () => {
  using place = new Place();
  place.write("signed.ts", SIGNED);
  const one = await train(config(place), { out: place.of("one") });
  const two = await train({ ...config(place), workers: 2, steps: 2 }, { out: place.of("two") });
  const rest = await train({ steps: 3 }, { out: two.out, resume: true });
  assertEquals(rest.stateHash, one.stateHash);
  const { optimizer, config: stored } = await loadCheckpoint(one.out);
  assertEquals(optimizer.has("mean.tokens.weight"), true);
  const { kind, beta, lr } = Object(stored["optim"]);
  assertEquals([kind, beta, lr], ["signed", 0.9, 1e-3]);
  const other = await train(config(place, { beta: 0.5, lr: 2e-3 }), { out: place.of("other") });
  assertEquals(other.stateHash === one.stateHash, false);
  const grouped = config(place, { groups: [{ match: "tokens.weight", frozen: true }] });
  assertEquals((await train(grouped, { out: place.of("frozen") })).finished, true);
});

Deno.test("an optimizer that is none, or a key that does not fit, is refused in one line", async () => {
  using place = new Place();
  const refused = async (optim: object, pattern: RegExp) => {
    const work = () => train(config(place, optim), { out: place.of("run") });
    const { message } = await assertRejects(work, UserError);
    assertMatch(message, pattern);
    assertEquals(message.split("\n").length, 1);
  };
  place.write("signed.ts", SIGNED);
  await refused({ beta: 2 }, /^Cannot use this config: optim\.beta: need number in \[0, 1\): 2$/);
  await refused({ betta: 0.5 }, /optim\.betta: unknown key, did you mean "optim\.beta"\?$/);
  place.write("none.ts", "export default { kind: 'none' };");
  await refused({ module: place.of("none.ts") }, /need an optimizer as default export/);
  place.write("adamw.ts", SIGNED.replaceAll('"signed"', '"adamw"'));
  await refused({ module: place.of("adamw.ts") }, /Shoal has an optimizer adamw$/);
});
