/** A module that changes while a run goes on: no worker with other code joins it. */
import { assert, assertEquals } from "@std/assert";
import { loadCheckpoint, train } from "shoal";
import { Place } from "../e2e/support.ts";
import { optionsOf, workersOf } from "../support/worker_pids.ts";

const MODEL = Deno.readTextFileSync(new URL("../../examples/own_model.ts", import.meta.url));

Deno.test("a replacement with another version of the module is refused, with the file named", async () => {
  using place = new Place();
  const path = place.of("model.ts");
  place.write("model.ts", MODEL);
  const notices: string[] = [];
  const stopping = new AbortController();
  const isRejection = (text: string) => text.includes("code: ") && text.includes(path);
  const { stateHash, out, finished } = await train({
    device: "reference",
    steps: 100_000,
    workers: 2,
    micro_batches: 2,
    micro_batch_size: 1,
    model: { module: path, width: 4 },
    data: { path: place.of("text.txt"), seq_len: 4, tokenizer: "byte" },
    eval: { every: 0 },
    checkpoint: { every: 0 },
    report: { sample_length: 0 },
  }, {
    out: place.of("run"),
    signal: stopping.signal,
    onEvent(event) {
      if (event.type === "notice") notices.push(event.text);
      if (event.type === "notice" && isRejection(event.text)) stopping.abort();
      if (event.type !== "step" || event.step !== 2) return;
      for (const words of optionsOf()) {
        const [, read = ""] = /--allow-read=(\S+)/.exec(words) ?? [];
        const [sockets = "", ...more] = read.split(",");
        // The sockets of the run, as without a module, and the module.
        assertEquals([words.includes(`--allow-write=${sockets} `), more], [true, [path]]);
        const others = words.match(/--allow-\w+/g) ?? [];
        assertEquals(others.sort(), ["--allow-net", "--allow-read", "--allow-write"]);
      }
      place.write("model.ts", MODEL.replace("heads, dropout: 0", "heads, dropout: 0.1"));
      Deno.kill(workersOf()[0] as number, "SIGKILL");
    },
  });
  // The worker that holds the state went on alone, and saved it.
  assertEquals(finished, false);
  assert(notices.some(isRejection), notices.join("\n"));
  place.write("model.ts", MODEL);
  assertEquals((await loadCheckpoint(out)).stateHash, stateHash);
});
