/**
 * Cost of a step's data: making and uploading the batches of all micro-batches, timed alternately
 * with whole steps. Texts in memory, and in shards.
 */
import { foldName, rootKey } from "../../src/base/random.ts";
import { resolveConfig } from "../../src/config/resolve.ts";
import type { RunConfig } from "../../src/config/schema.ts";
import { mobyDick } from "../../src/data/moby_dick.ts";
import { openBenchDevice, shownName } from "../device.ts";
import type { Device } from "../../src/device/types.ts";
import { prepare } from "../../src/prepare/prepare.ts";
import { sourceIn } from "../../src/corpus/corpus.ts";
import { readData } from "../../src/corpus/data.ts";
import { Replica } from "../../src/engine/replica.ts";
import gptChar from "../../configs/gpt_char.ts";
import lstmChar from "../../configs/lstm_char.ts";
import type { Filter } from "../filter.ts";
import type { Report } from "../report.ts";
import { fixed } from "../table.ts";
import { median, secondsOf } from "../time.ts";

/** Timed steps, and warm-up steps. */
const STEPS = 12;
const WARM = 3;

/** Times every row whose name contains `filter`. */
export async function benchData({ filter, device: kind = "auto" }: Filter): Promise<Report> {
  const folder = await Deno.makeTempDir({ prefix: "shoal-bench-data-" });
  try {
    const rows = Object.entries(await configsIn(folder)).filter(([name]) => name.includes(filter));
    const device = await openBenchDevice(kind);
    const table = [["text", "data ms", "step ms", "share %"]];
    for (const [name, config] of rows) table.push([name, ...await timed(device, config)]);
    device.close();
    return {
      what: "data",
      adapter: shownName(device),
      sections: [{
        title: "Data of a training step",
        table,
        notes: [
          "Data: windows are placed, read, checked and written to the device, for all micro-batches",
          `Medians of ${STEPS} steps, data and whole steps in turns`,
        ],
      }],
    };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The rows: the shipped configs on the default text, in memory and in shards. */
async function configsIn(folder: string): Promise<Record<string, RunConfig>> {
  const text = `${folder}/moby.txt`;
  await Deno.writeTextFile(text, await mobyDick());
  const prepared = async (name: string, ends: boolean) => {
    const out = `${folder}/${name}`;
    await prepare({
      names: [text],
      out,
      tokenizer: "char",
      validation: 0.1,
      field: "text",
      ends,
      documentEnd: ends ? "\n\n\n" : undefined,
    });
    return out;
  };
  const [one, two] = [await prepared("one", false), await prepared("two", false)];
  const ended = await prepared("ended", true);
  const document = { document_end: "<|endoftext|>" };
  return {
    "gpt_char, in memory": resolveConfig({ ...gptChar, data: { path: text } }),
    "gpt_char, shards": resolveConfig({ ...gptChar, data: { path: one } }),
    "gpt_char, two mixed": resolveConfig({ ...gptChar, data: { mix: { [one]: 3, [two]: 1 } } }),
    "gpt_char, documents": resolveConfig({
      ...gptChar,
      data: { path: ended, ...document, document_mask: true },
    }),
    "lstm_char, in memory": resolveConfig({ ...lstmChar, data: { ...lstmChar.data, path: text } }),
    "lstm_char, shards": resolveConfig({ ...lstmChar, data: { ...lstmChar.data, path: one } }),
    "lstm_char, documents": resolveConfig({
      ...lstmChar,
      data: { ...lstmChar.data, path: ended, ...document },
    }),
  };
}

async function timed(device: Device, config: RunConfig): Promise<string[]> {
  const { corpus } = await readData(config);
  const replica = new Replica(device, { config, corpus });
  await replica.open();
  const source = sourceIn(config, corpus, foldName(rootKey(config.seed), "order"));
  const memory = device.memory();
  const tokens = config.micro_batch_size * (config.data.bptt ?? config.data.seq_len);
  for (const slot of ["tokens", "targets", "starts"]) memory.ensure(slot, tokens);
  const root = { level: Math.log2(config.micro_batches), index: 0 };
  const data: number[] = [];
  const steps: number[] = [];
  for (let step = 0; step < WARM + STEPS; step++) {
    const ms = 1000 * await secondsOf(() => {
      for (let microBatch = 0; microBatch < config.micro_batches; microBatch++) {
        const { tensors } = source.train({ step, microBatch });
        for (const [name, data] of Object.entries(tensors)) memory.write(name, data);
      }
    });
    const whole = 1000 * await secondsOf(async () => {
      replica.accumulate(step, root);
      await replica.inspect();
      replica.update(step);
    });
    if (step < WARM) continue;
    data.push(ms);
    steps.push(whole);
  }
  const [own, all] = [median(data), median(steps)];
  return [own.toFixed(3), fixed(all), (100 * own / all).toFixed(2)];
}
