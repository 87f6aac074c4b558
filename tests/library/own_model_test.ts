/** A model of one's own, trained through the library by one and two workers, killed, resumed. */
import { assert, assertEquals } from "@std/assert";
import { openModel, type RunEvent, train } from "shoal";
import { workersOf } from "../support/worker_pids.ts";

const config = {
  device: "reference",
  steps: 6,
  micro_batches: 2,
  micro_batch_size: 1,
  model: { module: import.meta.resolve("../../examples/own_model.ts"), width: 8 },
  data: { seq_len: 8 },
  checkpoint: { every: 2 },
  report: { sample_length: 0 },
} as const;

Deno.test("one's own model has one hash for 1 and 2 workers, one killed, and a resume", async () => {
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(`${folder}/my.txt`, "my own text, again and again. ".repeat(40));
  const own = { ...config, data: { ...config.data, path: `${folder}/my.txt` } };
  const one = await train({ ...own, workers: 1 }, { out: `${folder}/one` });
  let killed = 0;
  const stopping = new AbortController();
  const onEvent = (event: RunEvent) => {
    if (event.type !== "step") return;
    if (event.step === 2) Deno.kill(workersOf()[killed++] as number, "SIGKILL");
    if (event.step === 4) stopping.abort();
  };
  const options = { out: `${folder}/two`, onEvent, signal: stopping.signal };
  const two = await train({ ...own, workers: 2 }, options);
  assertEquals([two.finished, killed], [false, 1]);
  const { stateHash, finished } = await train({}, { out: two.out, resume: true });
  assertEquals([stateHash, finished], [one.stateHash, true]);
  using model = await openModel(two.out, { device: "reference" });
  const { text } = await model.generate("my ", { tokens: 12 });
  assert(/^[a-z,. ]{12}$/.test(text), text);
  await Deno.remove(folder, { recursive: true });
});
