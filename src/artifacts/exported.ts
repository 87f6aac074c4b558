/**
 * Exported folders, our own and those in the layout of Hugging Face's GPT-2: config.json,
 * model.safetensors and a tokenizer. Reads them, and writes one atomically.
 */
import { dirname, join, resolve } from "node:path";
import { fileFault, hasCode } from "../base/file_fault.ts";
import { UserError } from "../base/user_error.ts";
import { Damage } from "../checkpoint/damage.ts";
import { DISK } from "../checkpoint/disk.ts";
import { ensureFolder, fileNamesIn, writeNew } from "../checkpoint/files.ts";
import { parseStrict } from "../checkpoint/json.ts";
import { asideName, STEP_PREFIX } from "../checkpoint/names.ts";
import { checkSpace, freeBytes, spaceFault } from "../checkpoint/space.ts";
import { readBytes, textOfBytes } from "../data/read.ts";
import { tokenizerSpecSchema } from "../data/schema.ts";
import { toHuggingFace } from "../data/tokenizers/huggingface.ts";
import { FILE_BYTES, namingFile } from "../data/tokenizers/limits.ts";
import { tokenizerFrom } from "../data/tokenizers/mod.ts";
import { specOfTokenizerJson } from "../data/tokenizers/recognize.ts";
import type { Tokenizer } from "../data/tokenizers/types.ts";
import { FILES, incoming, outgoing } from "./exchange.ts";
import { readWeights, type WeightsOptions, writeWeights } from "./weights.ts";
import { parsed } from "../exchange/parsed.ts";
import type { ModelConfig } from "../models/mod.ts";
import type { Portable } from "../exchange/types.ts";
import { tokenizerJsonOf } from "../exchange/vocab.ts";

/** Contents of an exported folder. */
export interface Exported extends Portable<ModelConfig> {
  /** Training steps; undefined when the metadata has none. */
  readonly step: number | undefined;
  readonly tokenizer: Tokenizer | undefined;
}

/** Maximum JSON nesting of config.json and of tokenizer files. */
const DEPTH = 16;
const TOKENIZER_DEPTH = 32;
/** Tokenizer files in the layout of Hugging Face. */
const THEIRS = { json: "tokenizer.json", vocab: "vocab.json", merges: "merges.txt" } as const;

/** Reads an exported folder. @throws {UserError} `data` when a file is missing or damaged. */
export async function readExported(path: string): Promise<Exported> {
  const names = await fileNamesIn(path);
  if (!names.includes(FILES.config)) {
    throw new UserError("data", `Cannot import ${path}: need ${FILES.config}: it is missing`);
  }
  const configPath = join(path, FILES.config);
  try {
    const config = parseStrict(await readText(configPath), { what: configPath, depth: DEPTH });
    const file = await readWeights(path, names);
    const portable = incoming(config, file, { config: configPath, weights: file.path });
    const step = Number(file.metadata["step"] ?? NaN);
    const tokenizer = await tokenizerOf(path, names);
    requireIds(tokenizer, { path, vocabulary: portable.vocabulary });
    return { ...portable, step: Number.isSafeInteger(step) ? step : undefined, tokenizer };
  } catch (error) {
    if (!(error instanceof Damage)) throw error;
    throw new UserError("data", `Cannot import ${path}: ${error.message}`);
  }
}

async function readText(path: string): Promise<string> {
  return textOfBytes(await readBytes(path, { most: FILE_BYTES }), path);
}

/**
 * The tokenizer from our own file, else tokenizer.json, else vocab.json with merges.txt; undefined
 * when there is none.
 */
async function tokenizerOf(
  path: string,
  names: readonly string[],
): Promise<Tokenizer | undefined> {
  const read = async (name: string) => {
    const what = join(path, name);
    return parseStrict(await readText(what), { what, depth: TOKENIZER_DEPTH });
  };
  if (names.includes(FILES.tokenizer)) {
    const spec = await read(FILES.tokenizer);
    const at = join(path, FILES.tokenizer);
    return namingFile(at, () => tokenizerFrom(parsed(tokenizerSpecSchema, spec, at)));
  }
  if (names.includes(THEIRS.json)) {
    return fromJson(await read(THEIRS.json), join(path, THEIRS.json));
  }
  if (!names.includes(THEIRS.vocab)) return undefined;
  if (!names.includes(THEIRS.merges)) throw new Damage(`${THEIRS.merges} is missing`);
  const vocab = await read(THEIRS.vocab);
  const merges = await readText(join(path, THEIRS.merges));
  return fromJson(tokenizerJsonOf({ vocab, merges, path }), join(path, THEIRS.vocab));
}

function fromJson(json: unknown, path: string): Tokenizer {
  return namingFile(path, () => tokenizerFrom(specOfTokenizerJson(json)));
}

/** @throws {UserError} `data` when the tokenizer has ids outside the model's vocabulary. */
function requireIds(
  tokenizer: Tokenizer | undefined,
  { path, vocabulary }: { path: string; vocabulary: number },
): void {
  if (tokenizer === undefined || tokenizer.size <= vocabulary) return;
  throw new UserError(
    "data",
    `Cannot import ${path}: need token ids below ${vocabulary}, the model's vocabulary: the ` +
      `tokenizer's reach ${tokenizer.size - 1}`,
  );
}

/**
 * Writes a model as an exported folder; removes it when writing fails.
 * @throws {UserError} `config` when `out` is not empty or no layout fits the model, `tooLarge` when
 * the disk lacks space.
 */
export async function writeExported(
  out: string,
  exported: Exported,
  options: WeightsOptions = {},
): Promise<void> {
  const { tokenizer, step } = exported;
  const { type = "f32" } = options;
  const { config, tensors, files } = outgoing(exported, { end: tokenizer?.end, type });
  await requireFree(out);
  const texts: [string, string][] = [
    [FILES.config, json(config)],
    ...tokenizerFiles(exported),
    ...Object.entries(files).map(([name, content]): [string, string] => [
      name,
      typeof content === "string" ? content : json(content),
    ]),
  ];
  // Transformers requires the format "pt" before it loads tensors into PyTorch.
  const metadata = { format: "pt", ...(step !== undefined && { step: String(step) }) };
  await publishFolder(out, {
    bytes: tensors.reduce((sum, { data }) => sum + data.byteLength, 0),
    async fill(folder) {
      await writeWeights(folder, tensors, { ...options, metadata });
      for (const [name, text] of texts) {
        await writeNew(join(folder, name), [new TextEncoder().encode(text)]);
      }
    },
  });
}

/** Our own tokenizer file, which restores it exactly, and those that Python reads. */
function tokenizerFiles({ tokenizer, context }: Exported): [string, string][] {
  if (tokenizer === undefined) return [];
  // Files for Python have one tokenizer.
  if (tokenizer.kind === "sides") return [[FILES.tokenizer, json(tokenizer.toJSON())]];
  const { "tokenizer_config.json": config, ...more } = toHuggingFace(tokenizer);
  const files = { ...more, "tokenizer_config.json": { ...config, model_max_length: context } };
  return [
    [FILES.tokenizer, json(tokenizer.toJSON())],
    ...Object.entries(files).map(([name, value]): [string, string] => [name, json(value)]),
  ];
}

function json(value: unknown): string {
  return JSON.stringify(value, null, 2) + "\n";
}

/** @throws {UserError} `config` unless `out` is an empty folder or does not exist. */
export async function requireFree(out: string): Promise<void> {
  let names: string[] = [];
  try {
    names = await fileNamesIn(out);
  } catch (error) {
    if (!hasCode(error, "ENOTDIR")) throw fileFault(error, { doing: "write to", path: out });
    throw new UserError("config", `Cannot write to ${out}: need a folder: it is a file`);
  }
  if (names.length === 0) return;
  throw new UserError(
    "config",
    `Cannot write to ${out}: need a folder that is empty or new: it holds ` +
      names.slice(0, 4).join(", "),
  );
}

/**
 * Fills a hidden temporary folder beside `out` with about `bytes` bytes, then renames it to `out`.
 */
export async function publishFolder(
  out: string,
  { bytes, fill }: { bytes: number; fill: (folder: string) => Promise<void> },
): Promise<void> {
  // For a symbolic link, write to the empty folder that it points to.
  const whole = await Deno.realPath(out).catch(() => resolve(out));
  const parent = dirname(whole);
  await ensureFolder(parent);
  checkSpace(parent, { bytes, free: freeBytes(parent) });
  const temp = join(parent, asideName(STEP_PREFIX.writing, "folder"));
  try {
    await DISK.makeFolder(temp);
    await fill(temp);
    await DISK.syncFolder(temp);
    // rename() replaces an empty folder.
    await DISK.rename(temp, whole);
    await DISK.syncFolder(parent);
  } catch (error) {
    // Report the write error, not one of the cleanup.
    await DISK.remove(temp).catch(() => {});
    throw spaceFault(error, parent);
  }
}
