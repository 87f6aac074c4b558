/**
 * A run of the version before config keys were renamed goes on: tests/golden/first_names holds its
 * text and its folder after 4 steps.
 */
import { fileURLToPath } from "node:url";
import { assertEquals } from "@std/assert";
import { openModel } from "../../../src/artifacts/model.ts";
import { loadNamed } from "../../../src/cli/config_file.ts";
import { resolveConfig } from "../../../src/config/resolve.ts";
import { openReference } from "../../../src/device/reference.ts";
import { runTraining } from "../../../workers/run/run.ts";
import { TempFolder } from "../../checkpoint/fixture.ts";
import { copyFolder } from "../../support/run_folder.ts";
import { memoryLaunch } from "../../support/worker_processes.ts";

const OLDER = fileURLToPath(new URL("../../golden/first_names", import.meta.url));
/** State of that version after 8 steps without a break. */
const WHOLE = "d50ee1e45a4b16e2c7c838896cf5e11348b5ddc2db0de4c8f661eceffae99987";

for (const how of ["goes on", "begins anew"]) {
  Deno.test(`a run stored by first names ${how} to the state of that version`, async () => {
    using temp = new TempFolder();
    const run = `${temp.path}/older/run`;
    copyFolder(OLDER, `${temp.path}/older`);
    const resume = how === "goes on";
    const out = resume ? run : `${temp.path}/anew`;
    const config = { ...resolveConfig(await loadNamed(`${run}/config.json`)), steps: 8, out };
    const notices: string[] = [];
    await runTraining({
      config,
      out,
      resume,
      launch: memoryLaunch(() => Promise.resolve(openReference())).launch,
      show: (event) => {
        if (event.type === "notice") notices.push(event.text);
      },
      stop: new AbortController().signal,
    });
    assertEquals(JSON.parse(Deno.readTextFileSync(`${out}/summary.json`)).state_hash, WHOLE);
    // Nothing else is said, as that a config had changed.
    assertEquals(notices.map((text) => text.split(" in ")[0]), ["Everything lies"]);
    const { micro_batch_size, windows } = JSON.parse(Deno.readTextFileSync(`${out}/config.json`));
    assertEquals([micro_batch_size, windows], [2, undefined]);
  });
}

Deno.test("a model stored by first names opens with today's", async () => {
  const { model, context, config, step } = await openModel(`${OLDER}/run`);
  assertEquals([step, context, config?.data.seq_len, config?.optim.warmup_steps], [4, 8, 8, 2]);
  assertEquals(model, {
    kind: "gpt",
    layers: 1,
    width: 8,
    heads: 2,
    dropout: 0,
    kv_heads: null,
    attention_window: null,
    positions: "learned",
    rotary_theta: 10000,
    tie_embeddings: true,
    mup_base_width: null,
    mup_base_heads: null,
  });
});
