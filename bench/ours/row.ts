/** What the works of a row share. */
import type { Device } from "../../src/device/types.ts";
import { type Row, ROWS } from "../beside/rows.ts";
import type { Task } from "../peers/task.ts";

/** The row of a task. @throws {RangeError} when there is none of its name. */
export function rowOf(task: Task): Row {
  const row = ROWS.find(({ name }) => name === task.name);
  if (row === undefined) throw new RangeError(`Cannot open ${task.name}: there is no such row`);
  return row;
}

/** Frees what a task holds, once the buffer of its last read is back. */
export function closeSoon(device: Device): void {
  setTimeout(() => device.close(), 100);
}
