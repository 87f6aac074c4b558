/**
 * A piece of work as every peer reads it: what is computed, its sizes, and the values it begins
 * with, in a JSON file and one of raw elements beside it. It knows no library.
 */

/** What is computed. */
export type Kind = "matmul" | "attention" | "layer_norm" | "gpt" | "lstm" | "generate";

/** A tensor of a task: 4-byte elements in little endian from byte `offset` of the raw file. */
export interface Stored {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: "f32" | "i32";
  readonly offset: number;
}

/** AdamW of the training steps; tensors of one axis do not decay, nothing is clipped. */
export interface Optim {
  readonly lr: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  readonly weight_decay: number;
}

/** A task as its JSON file has it. */
export interface TaskFile {
  readonly name: string;
  readonly kind: Kind;
  readonly sizes: Readonly<Record<string, number>>;
  readonly optim: Optim;
  /** Steps whose losses are compared. */
  readonly compared: number;
  readonly tensors: readonly Stored[];
}

/** A tensor with its values. */
export interface Loaded extends Stored {
  readonly data: Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>;
}

/** A task with its values. */
export interface Task extends Omit<TaskFile, "tensors"> {
  readonly tensors: ReadonlyMap<string, Loaded>;
}

/** Names of tensors that a training step reads and does not train. */
export const BATCH: readonly string[] = ["inputs", "targets"];

/** Why peers in JavaScript do not decode. */
export const NO_DECODING = "no decoding with a cache is written for it";

/** Tokens after which the logits of a decoded text are compared: the first, a middle one, the last. */
export function decodedPositions(length: number): number[] {
  return [0, Math.floor(length / 2), length - 1];
}

/** Reads `<path>.json` and `<path>.bin`. */
export async function readTask(path: string): Promise<Task> {
  const file: TaskFile = JSON.parse(await Deno.readTextFile(`${path}.json`));
  const { buffer } = await Deno.readFile(`${path}.bin`);
  const tensors = file.tensors.map((stored): [string, Loaded] => {
    const length = stored.shape.reduce((a, b) => a * b, 1);
    const make = stored.dtype === "f32" ? Float32Array : Int32Array;
    return [stored.name, { ...stored, data: new make(buffer, stored.offset, length) }];
  });
  return { ...file, tensors: new Map(tensors) };
}

/** A size of a task. @throws {RangeError} when it has none of that name. */
export function sizeIn({ name, sizes }: Pick<Task, "name" | "sizes">, size: string): number {
  const value = sizes[size];
  if (value === undefined) throw new RangeError(`Cannot read ${name}: need a size ${size}: none`);
  return value;
}

/** A tensor of a task. @throws {RangeError} when it has none of that name. */
export function tensorIn({ name, tensors }: Task, tensor: string): Loaded {
  const loaded = tensors.get(tensor);
  if (loaded === undefined) throw new RangeError(`Cannot read ${name}: need ${tensor}: none`);
  return loaded;
}
