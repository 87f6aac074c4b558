/** What the layouts of transformers' models share: prefixes, tied output layers, refusals. */
import { sameShape } from "../base/shape.ts";
import { UserError } from "../base/user_error.ts";
import type { ForeignFile } from "../checkpoint/tensors/foreign.ts";
import type { NamedTensor } from "../checkpoint/tensors/tensor.ts";

/** The tensors of a file by name. */
export type ForeignTensors = Pick<ForeignFile, "tensors" | "others">;

/** The fault of a key of config.json. */
export function badKey(path: string, key: string, need: string, value: unknown): UserError {
  const shown = typeof value === "object" ? JSON.stringify(value) : String(value);
  return new UserError("data", `Cannot import ${path}: ${key}: need ${need}: ${shown}`);
}

/** @throws {UserError} `data` for a config of quantized weights. */
export function requireUnquantized(
  quantized: Readonly<Record<string, unknown>> | null | undefined,
  path: string,
): void {
  if (quantized === undefined || quantized === null) return;
  throw badKey(
    path,
    "quantization_config",
    "weights that are not quantized (in transformers: model.dequantize(), then save it)",
    quantized["quant_method"] ?? "an unnamed method",
  );
}

/**
 * Tensors by their names without a prefix, which files of a model with its output layer have and
 * those of the bare model lack. @throws {UserError} `data` when a name stands there with and without.
 */
export function withoutPrefix(
  { tensors, others }: ForeignTensors,
  { prefix, what }: { readonly prefix: string; readonly what: string },
): ForeignTensors {
  const taken = new Set<string>();
  const strip = <T>(map: ReadonlyMap<string, T>): Map<string, T> =>
    new Map([...map].map(([name, value]) => {
      const bare = name.startsWith(prefix) ? name.slice(prefix.length) : name;
      if (taken.has(bare)) {
        throw new UserError("data", `Cannot import ${what}: ${bare} stands there twice`);
      }
      taken.add(bare);
      return [bare, value];
    }));
  return { tensors: strip(tensors), others: strip(others) };
}

/** The two tensors that may be one. */
export interface TiedNames {
  /** Name of the output layer's matrix. */
  readonly head: string;
  /** Name of the token embedding. */
  readonly tokens: string;
}

/**
 * Whether the output layer is the token embedding. `declared`: tie_word_embeddings.
 * @throws {UserError} `data` when config and tensors disagree.
 */
export function isTied(
  tensors: ReadonlyMap<string, NamedTensor>,
  { head, tokens }: TiedNames,
  { declared, what }: { readonly declared: boolean | undefined; readonly what: string },
): boolean {
  if (declared === false) return false;
  const [output, input] = [tensors.get(head), tensors.get(tokens)];
  if (output === undefined || input === undefined || sameTensor(output, input)) return true;
  if (declared === undefined) return false;
  throw new UserError(
    "data",
    `Cannot import ${what}: need ${head} equal to ${tokens}, since tie_word_embeddings is ` +
      "true: they differ",
  );
}

function sameTensor(a: NamedTensor, b: NamedTensor): boolean {
  return sameShape(a.shape, b.shape) && a.data.every((x, i) => Object.is(x, b.data[i]));
}

/** generation_config.json: token ids for `generate` of transformers. */
export function generationFiles(end: number | undefined): Record<string, unknown> {
  const ids = end === undefined ? {} : { bos_token_id: end, eos_token_id: end, pad_token_id: end };
  return { "generation_config.json": ids };
}

/** @throws {UserError} `config` unless a model predicts the next token. */
export function requireNextToken(targetKind: string, what: string): void {
  if (targetKind === "next_token") return;
  throw new UserError(
    "config",
    `Cannot export ${what}: need one that is asked for the next token: it gives labels`,
  );
}
