/** The library: train, resume, open, generate, evaluate, read a checkpoint, on plain loops. */
import { assert, assertEquals, assertMatch, assertNotEquals, assertRejects } from "@std/assert";
import {
  loadCheckpoint,
  openModel,
  type RunEvent,
  train,
  type TrainConfig,
  UserError,
} from "shoal";
import { runCommand } from "../e2e/command.ts";
import { Place } from "../e2e/support.ts";

const TEXT = "the whale and the sea, again and again. ".repeat(60);

const TINY: TrainConfig = {
  device: "reference",
  steps: 4,
  workers: 1,
  micro_batches: 2,
  micro_batch_size: 1,
  model: { layers: 1, width: 8, heads: 2 },
  data: { seq_len: 8 },
  optim: { lr: 1e-2, warmup_steps: 1, decay_steps: 4 },
  eval: { every: 2, windows: 2 },
  checkpoint: { every: 2 },
  report: { sample_length: 0 },
};

function textIn(place: Place): TrainConfig {
  place.write("my.txt", TEXT);
  return { ...TINY, data: { ...TINY.data, path: place.of("my.txt") } };
}

Deno.test("train() gives one hash for 1 and 2 workers, and typed events in order", async () => {
  using place = new Place();
  const config = textIn(place);
  const events: RunEvent[] = [];
  const one = await train(config, { out: place.of("one"), onEvent: (e) => void events.push(e) });
  const two = await train({ ...config, workers: 2 }, { out: place.of("two") });
  assertEquals(one.stateHash, two.stateHash);
  assertMatch(one.stateHash, /^[0-9a-f]{64}$/);
  assertEquals([one.finished, one.steps, one.out], [true, 4, place.of("one")]);
  assertEquals([one.workers, two.workers], [1, 2]);
  assertEquals(one.valLoss, two.valLoss);
  const steps = events.flatMap((event) => event.type === "step" ? [event.step] : []);
  assertEquals(steps, [1, 2, 3, 4]);
  assertEquals(events.filter(({ type }) => type === "eval").length, 2);
  assertEquals(events.filter(({ type }) => type === "start").length, 1);
});

Deno.test("an aborted signal ends a run, which goes on where it stopped", async () => {
  using place = new Place();
  const config = textIn(place);
  const whole = await train(config, { out: place.of("whole") });
  const stopping = new AbortController();
  const first = await train(config, {
    out: place.of("parts"),
    signal: stopping.signal,
    onEvent: (event) => event.type === "step" && event.step === 1 && stopping.abort(),
  });
  assertEquals(first.finished, false);
  assert(first.steps >= 1 && first.steps < 4, String(first.steps));
  // Nothing but the folder is needed to go on.
  const rest = await train({}, { out: place.of("parts"), resume: true });
  assertEquals([rest.stateHash, rest.finished], [whole.stateHash, true]);
  const again = await train(config, { out: place.of("parts"), resume: true });
  assertEquals([again.stateHash, again.steps], [whole.stateHash, 4]);
});

Deno.test("an error of onEvent ends the run with its state saved, and is thrown", async () => {
  using place = new Place();
  const config = textIn(place);
  const fault = new Error("mine");
  const thrown = await assertRejects(() =>
    train(config, {
      out: place.of("run"),
      onEvent(event) {
        if (event.type === "step" && event.step === 2) throw fault;
      },
    })
  );
  assertEquals(thrown, fault);
  const { step } = await loadCheckpoint(place.of("run"));
  assert(step >= 2 && step < 4, String(step));
});

Deno.test("what a user can mend is a UserError of one line", async () => {
  using place = new Place();
  const config = textIn(place);
  const refused = async (work: () => Promise<unknown>, pattern: RegExp) => {
    const { message } = await assertRejects(work, UserError);
    assertMatch(message, pattern);
    assertEquals(message.split("\n").length, 1);
  };
  await refused(() => train({ stepps: 3 } as TrainConfig), /^Cannot use this config: .*stepps/);
  await refused(
    () => train({ ...config, data: { path: place.of("none.txt") } }, { out: place.of("run") }),
    /none\.txt/,
  );
  await refused(() => train(config, { resume: true }), /^Cannot resume: need the folder of a run/);
  await refused(() => openModel(place.of("nothing")), /^Cannot open /);
  await train({ ...config, steps: 1 }, { out: place.of("run") });
  await refused(() => train(config, { out: place.of("run") }), /holds a run already/);
  await refused(
    () => train({ seed: 2 }, { out: place.of("run"), resume: true }),
    /^Cannot resume with another config .*seed: 1337 against 2/,
  );
});

Deno.test("openModel() gives logits, the text of `generate`, and the loss of `eval`", async () => {
  using place = new Place();
  const { out } = await train(textIn(place), { out: place.of("run") });
  using model = await openModel(out, { device: "reference" });
  assertEquals([model.step, model.context], [4, 8]);
  const tokens = model.tokenizer?.encode("the sea") ?? [];
  const logits = await model.logits(tokens);
  assertEquals([logits.length, logits.every(Number.isFinite)], [model.vocabulary, true]);
  assertEquals(await model.logits(tokens), logits);
  assertNotEquals(await model.logits(model.tokenizer?.encode("whale") ?? []), logits);

  let streamed = "";
  const options = { tokens: 20, seed: 7, onText: (text: string) => void (streamed += text) };
  const { text, tokens: drawn, logprobs, ended } = await model.generate("the ", options);
  assertEquals([drawn.length, logprobs.length, ended], [20, 20, "length"]);
  assertEquals([model.tokenizer?.decode(drawn), streamed], [text, text]);
  const words = ["--prompt=the ", "--tokens=20", "--seed=7", "--device=reference"];
  const said = await runCommand("generate", [out, ...words], { cwd: place.path });
  assertEquals(said.stdout, `the ${text}\n`, said.stderr);
  const greedy = await model.generate(tokens, { tokens: 1, temperature: 0 });
  const likeliest = logits.indexOf(logits.reduce((a, b) => Math.max(a, b)));
  assertEquals(Array.from(greedy.tokens), [likeliest]);

  const found = await model.evaluate();
  const json = await runCommand("eval", [out, "--device=reference", "--json"], { cwd: place.path });
  const { all } = JSON.parse(json.stdout);
  assertEquals([found.loss, found.counted], [all.loss, all.tokens]);
  assertEquals(found.texts.map(({ name }) => name), ["my.txt"]);
  place.write("other.txt", "the sea, the sea, and again the whale. ".repeat(3));
  assertNotEquals((await model.evaluate(place.of("other.txt"))).loss, found.loss);
});

Deno.test("loadCheckpoint() verifies a checkpoint, and has its tensors by name", async () => {
  using place = new Place();
  const { out, stateHash } = await train(textIn(place), { out: place.of("run") });
  const newest = await loadCheckpoint(out);
  assertEquals([newest.step, newest.stateHash], [4, stateHash]);
  const weight = newest.parameters.get("tokens.weight");
  assertEquals(weight?.shape, [weight?.shape[0] ?? 0, 8]);
  assert(newest.optimizer.has("m.tokens.weight"));
  const [older] = [await loadCheckpoint(`${out}/checkpoints/step-00000002`)];
  assertEquals(older.step, 2);
  const file = `${older.path}/model.safetensors`;
  const bytes = Deno.readFileSync(file);
  bytes[bytes.length - 5] = (bytes[bytes.length - 5] as number) ^ 1;
  Deno.writeFileSync(file, bytes);
  const { message } = await assertRejects(() => loadCheckpoint(older.path), UserError);
  assertMatch(message, /model\.safetensors/);
});
