/** Training steps of the comparison with peers on one of our devices. */
import type { Device } from "../../src/device/types.ts";
import { Replica } from "../../src/engine/replica.ts";
import type { TakeSum } from "../../src/reduce/all_reduce.ts";
import type { SubtreePart } from "../../src/reduce/tree.ts";
import { configIn, corpusOfRow } from "../beside/materials.ts";
import type { Work } from "../peers/serve.ts";
import type { Task } from "../peers/task.ts";
import { closeSoon, rowOf } from "./row.ts";

/** A worker's share of a step: one micro-batch of as many as there are workers. */
export interface StepShare {
  readonly rank: number;
  readonly world: number;
  /** The all-reduce of gradients of `length` elements. */
  reducer(length: number): (step: number, root: SubtreePart, take: TakeSum) => Promise<void>;
}

/** Opens the model of a task and trains the steps whose losses are compared. */
export async function openStep(
  device: Device,
  task: Task,
  share?: StepShare,
): Promise<Work> {
  const row = rowOf(task);
  const config = configIn(row, share?.world);
  const replica = new Replica(device, { config, corpus: corpusOfRow(row) });
  await replica.open();
  const node = { level: 0, index: share?.rank ?? 0 };
  const sum = share?.reducer(replica.gradientSize);
  let number = 0;
  const step = async () => {
    replica.accumulate(number, node);
    if (sum !== undefined) {
      const root = { node, data: await replica.gradient() };
      await sum(number, root, (at, part) => replica.writeGradient(at, part));
    }
    const { loss } = await replica.inspect();
    replica.update(number++);
    return loss;
  };
  const values: number[] = [];
  for (let i = 0; i < task.compared; i++) values.push(await step());
  return {
    values,
    async run(times) {
      for (let i = 0; i < times; i++) await step();
      await replica.read("param", 0, { offset: 0, length: 1 });
    },
    close: () => closeSoon(device),
  };
}
