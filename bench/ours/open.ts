/** Opens the whole work of a row on one device. */
import type { Device } from "../../src/device/types.ts";
import type { Work } from "../peers/serve.ts";
import type { Task } from "../peers/task.ts";
import { meanSize } from "../peers/values.ts";
import { openGenerate } from "./generate.ts";
import { isKernel, openKernel } from "./kernel.ts";
import { openStep } from "./step.ts";

/** Makes a task ready on a device, which closing the work closes. */
export async function openWork(device: Device, task: Task): Promise<Work> {
  if (task.kind === "generate") return await openGenerate(device, task);
  if (!isKernel(task)) return await openStep(device, task);
  const { results, ...work } = await openKernel(device, task);
  return { ...work, values: Object.values(results).map(meanSize) };
}
