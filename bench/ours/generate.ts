/** Decoding of the comparison with peers on one of our devices. */
import type { Device } from "../../src/device/types.ts";
import { Decoder } from "../../src/engine/decoder.ts";
import { holdParams } from "../../src/engine/load_params.ts";
import { configIn } from "../beside/materials.ts";
import type { Work } from "../peers/serve.ts";
import { decodedPositions, sizeIn, type Task, tensorIn } from "../peers/task.ts";
import { meanSize } from "../peers/values.ts";
import { closeSoon, rowOf } from "./row.ts";

/** Decodes the tokens of the batch with a cache, one at a time, and takes the likeliest of each. */
export async function openGenerate(device: Device, task: Task): Promise<Work> {
  const { model } = configIn(rowOf(task));
  const parts = { model, vocabulary: sizeIn(task, "V"), context: sizeIn(task, "T") };
  const memory = device.memory();
  const params = new Map(
    [...task.tensors].map((
      [name, { shape, data }],
    ) => [name, { shape, data: Float32Array.from(data) }]),
  );
  const layout = holdParams(memory, parts, params);
  const decoder = await Decoder.open(device, { ...parts, memory, layout, rows: 1 });
  const tokens = Uint32Array.from(tensorIn(task, "inputs").data);
  const once = async (): Promise<Float32Array[]> => {
    decoder.reset();
    const all: Float32Array[] = [];
    for (let t = 0; t < tokens.length; t++) {
      const logits = await decoder.feed(tokens.subarray(t, t + 1));
      likeliest(logits);
      all.push(logits);
    }
    return all;
  };
  const logits = await once();
  return {
    values: decodedPositions(tokens.length).map((t) => meanSize(logits[t] as Float32Array)),
    async run(times) {
      for (let i = 0; i < times; i++) await once();
    },
    close: () => closeSoon(device),
  };
}

function likeliest(logits: Float32Array): number {
  let best = 0;
  for (let i = 1; i < logits.length; i++) {
    if ((logits[i] as number) > (logits[best] as number)) best = i;
  }
  return best;
}
