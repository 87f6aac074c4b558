/**
 * What all sides of a comparison begin with: random inputs of a kernel, or the first parameters and
 * the one batch of a training step. Written once, read by every peer. It knows no library.
 */
import { foldName, rootKey, threefry, uniforms } from "../../src/base/random.ts";
import { sizeOf } from "../../src/base/shape.ts";
import { bytesOf } from "../../src/base/hash.ts";
import { resolveConfig } from "../../src/config/resolve.ts";
import type { RunConfig } from "../../src/config/schema.ts";
import { initialValues } from "../../src/nn/scope.ts";
import { type Corpus, corpusIn } from "../../src/corpus/corpus.ts";
import { shapeOf } from "../../src/engine/plans.ts";
import type { Stored, TaskFile } from "../peers/task.ts";
import { configOfRow, OPTIM, type Row } from "./rows.ts";

/** Steps whose losses all sides must agree on. */
export const COMPARED = 3;

/** Values of one tensor. */
interface Values {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array;
}

/** Tokens of the one batch: B windows that follow each other, and one token more. */
export function tokensOfRow({ name, sizes: { B = 0, T = 0, V = 0 } }: Row): Uint32Array {
  const key = foldName(rootKey(1), `tokens of ${name}`);
  return Uint32Array.from({ length: B * T + 1 }, (_, i) => threefry(key, i, 0)[0] % V);
}

/** What Shoal reads: a text of exactly one batch, so that every step has all its windows. */
export function corpusOfRow(row: Row): Corpus {
  const tokens = tokensOfRow(row);
  return corpusIn({ train: tokens, validation: tokens, vocabulary: row.sizes["V"] as number });
}

/** The complete config of a training step, whose batch `world` workers share. */
export function configIn(row: Row, world = 1): RunConfig {
  return resolveConfig(configOfRow(row, world));
}

/** Inputs of a kernel by name, with the gradients of its results. */
const INPUTS: Readonly<Record<string, (sizes: Row["sizes"]) => Record<string, number[]>>> = {
  matmul: ({ m = 0, k = 0, n = 0 }) => ({ a: [m, k], b: [k, n] }),
  attention: ({ B = 0, T = 0, D = 0 }) => ({ qkv: [B, T, 3 * D], dy: [B, T, D] }),
  layer_norm: ({ R = 0, D = 0 }) => ({ x: [R, D], weight: [D], bias: [D], dy: [R, D] }),
};

/** All values that a row begins with. */
export function materialsOf(row: Row): Values[] {
  const shapes = INPUTS[row.kind]?.(row.sizes);
  if (shapes !== undefined) {
    return Object.entries(shapes).map(([name, shape]) => ({
      name,
      shape,
      data: uniforms(foldName(rootKey(1), name), sizeOf(shape), [-1, 1]),
    }));
  }
  const config = configIn(row);
  const key = foldName(rootKey(config.seed), "init");
  const { B = 0, T = 0, V = 0 } = row.sizes;
  const tokens = Int32Array.from(tokensOfRow(row));
  const params = shapeOf(config, V).params.map((param) => ({
    name: param.name,
    shape: param.shape,
    data: initialValues(key, param),
  }));
  return [
    ...params,
    { name: "inputs", shape: [B, T], data: tokens.slice(0, B * T) },
    { name: "targets", shape: [B, T], data: tokens.slice(1) },
  ];
}

/** Writes what peers read of a row into `folder`, and gives its path without the ending. */
export async function writeTask(row: Row, folder: string): Promise<string> {
  const path = `${folder}/${configOfRow(row).name}`;
  const tensors: Stored[] = [];
  using file = await Deno.open(`${path}.bin`, { write: true, create: true, truncate: true });
  let offset = 0;
  for (const { name, shape, data } of materialsOf(row)) {
    tensors.push({ name, shape, dtype: data instanceof Int32Array ? "i32" : "f32", offset });
    const bytes = bytesOf(data instanceof Int32Array ? new Uint32Array(data.buffer) : data);
    for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
    offset += bytes.length;
  }
  const { name, kind, sizes } = row;
  const task: TaskFile = { name, kind, sizes, optim: OPTIM, compared: COMPARED, tensors };
  await Deno.writeTextFile(`${path}.json`, JSON.stringify(task));
  return path;
}
