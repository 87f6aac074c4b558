/** The weights of an exported folder: one file, or several that an index lists. */
import { join } from "node:path";
import { UserError } from "../base/user_error.ts";
import { Damage } from "../checkpoint/damage.ts";
import { parseStrict } from "../checkpoint/json.ts";
import { type ForeignFile, readForeign } from "../checkpoint/tensors/foreign.ts";
import { writeNew } from "../checkpoint/files.ts";
import type { Metadata } from "../checkpoint/tensors/header.ts";
import { WEIGHT_TYPES, type WeightType } from "../checkpoint/tensors/narrow.ts";
import { writeSafetensors } from "../checkpoint/tensors/safetensors.ts";
import type { NamedTensor } from "../checkpoint/tensors/tensor.ts";
import { readBytes, textOfBytes } from "../data/read.ts";
import { FILE_BYTES } from "../data/tokenizers/limits.ts";
import { parsed } from "../exchange/parsed.ts";
import { weightsIndexSchema } from "../exchange/schema.ts";
import { FILES } from "./exchange.ts";

/** Name of the index of weights in several files. */
export const WEIGHTS_INDEX = `${FILES.weights}.index.json`;

/** Weights, and the file that errors name. */
export interface Weights extends ForeignFile {
  /** Path of the file, or of the index. */
  readonly path: string;
}

/**
 * Reads `model.safetensors`, or the files that its index lists. `names`: the files of the folder.
 * @throws {UserError} `data` for files that are missing or do not agree with the index.
 * @throws {Damage} as {@linkcode readForeign} does.
 */
export async function readWeights(folder: string, names: readonly string[]): Promise<Weights> {
  const single = join(folder, FILES.weights);
  if (names.includes(FILES.weights)) return { ...await readForeign(single), path: single };
  if (!names.includes(WEIGHTS_INDEX)) {
    throw new UserError("data", `Cannot import ${folder}: need ${FILES.weights}: it is missing`);
  }
  const path = join(folder, WEIGHTS_INDEX);
  const text = textOfBytes(await readBytes(path, { most: FILE_BYTES }), path);
  const { weight_map: placed } = parsed(
    weightsIndexSchema,
    parseStrict(text, { what: path, depth: 4 }),
    path,
  );
  const files: ForeignFile[] = [];
  for (const name of new Set(Object.values(placed))) {
    if (!names.includes(name)) {
      throw new UserError("data", `Cannot import ${folder}: need ${name}: it is missing`);
    }
    const file = await readForeign(join(folder, name));
    for (const tensor of [...file.tensors.keys(), ...file.others.keys()]) {
      if (placed[tensor] === name) continue;
      const where = placed[tensor] ?? "no file";
      throw new Damage(`${name} holds ${tensor}, for which ${WEIGHTS_INDEX} names ${where}`);
    }
    files.push(file);
  }
  const merged = {
    tensors: new Map(files.flatMap(({ tensors }) => [...tensors])),
    others: new Map(files.flatMap(({ others }) => [...others])),
    metadata: files[0]?.metadata ?? {},
    path,
  };
  const missing = Object.keys(placed).find((name) =>
    !merged.tensors.has(name) && !merged.others.has(name)
  );
  if (missing === undefined) return merged;
  throw new Damage(`${placed[missing]} lacks ${missing}, which ${WEIGHTS_INDEX} promises`);
}

/** How weights are written. */
export interface WeightsOptions {
  /** Type of the elements; default: f32. */
  readonly type?: WeightType | undefined;
  /** Most bytes of tensors in a file, if a tensor alone has no more; default: one file. */
  readonly shardBytes?: number | undefined;
}

/**
 * Writes tensors as `model.safetensors`, or as several files with an index where they exceed
 * `shardBytes`. @throws {UserError} `config` for a value that is not finite in f16.
 */
export async function writeWeights(
  folder: string,
  tensors: readonly NamedTensor[],
  { type = "f32", shardBytes = Infinity, metadata }: WeightsOptions & { metadata: Metadata },
): Promise<void> {
  requireFinite(tensors, type);
  const bytesOf = ({ data }: NamedTensor) => data.length * WEIGHT_TYPES[type].bytes;
  const shards = sharded(tensors, { shardBytes, bytesOf });
  const write = (name: string, own: readonly NamedTensor[]) =>
    writeSafetensors(join(folder, name), own, { metadata, type });
  if (shards.length === 1) return void await write(FILES.weights, tensors);
  const padded = (n: number) => String(n).padStart(5, "0");
  const placed: Record<string, string> = {};
  for (const [i, own] of shards.entries()) {
    const name = `model-${padded(i + 1)}-of-${padded(shards.length)}.safetensors`;
    await write(name, own);
    for (const tensor of own) placed[tensor.name] = name;
  }
  const total = tensors.reduce((sum, tensor) => sum + bytesOf(tensor), 0);
  const index = { metadata: { total_size: total }, weight_map: placed };
  const text = JSON.stringify(index, null, 2) + "\n";
  await writeNew(join(folder, WEIGHTS_INDEX), [new TextEncoder().encode(text)]);
}

/** Tensors in order, in lists of at most `shardBytes`, or of one tensor. */
function sharded(
  tensors: readonly NamedTensor[],
  { shardBytes, bytesOf }: { shardBytes: number; bytesOf: (tensor: NamedTensor) => number },
): NamedTensor[][] {
  const shards: NamedTensor[][] = [[]];
  let held = 0;
  for (const tensor of tensors) {
    const bytes = bytesOf(tensor);
    if (held > 0 && held + bytes > shardBytes) {
      shards.push([]);
      held = 0;
    }
    shards.at(-1)?.push(tensor);
    held += bytes;
  }
  return shards;
}

/** Largest value of f16. */
const HALF_LIMIT = 65504;

function requireFinite(tensors: readonly NamedTensor[], type: WeightType): void {
  if (type !== "f16") return;
  for (const { name, data } of tensors) {
    const large = data.find((x) => Math.abs(x) > HALF_LIMIT);
    if (large === undefined) continue;
    throw new UserError(
      "config",
      `Cannot export in f16: need values up to ${HALF_LIMIT}, or bf16: ${name} has ${large}`,
    );
  }
}
