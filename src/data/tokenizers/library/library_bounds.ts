/**
 * Instruments a library tokenizer: its parts count their work, and its patterns run in {@linkcode
 * Pattern}. Results do not change.
 */
import {
  AddedToken,
  BPE,
  ByteLevelDecoder,
  type Tokenizer as Library,
  Unigram,
  WordPiece,
} from "@huggingface/tokenizers";
import { AddedSplitter } from "./added_splitter.ts";
import { PATTERNS } from "./library_cut.ts";
import { boundBpe, boundUnigram, boundWordPiece } from "./library_models.ts";
import type { WorkMeter } from "../meter.ts";
import { Pattern } from "../pattern/pattern.ts";
import type { TokenizerJson } from "../schema.ts";

/** The library's fields used here; some are private. */
interface Parts {
  readonly normalizer: Part | null;
  readonly pre_tokenizer: Part | null;
  readonly decoder: (Part & { added_tokens: readonly AddedToken[] }) | null;
  readonly model: { tokens_to_ids: Map<string, number>; vocab: string[] };
  readonly added_tokens: AddedToken[];
  readonly added_tokens_map: Map<string, AddedToken>;
  splitter_unnormalized: AddedSplitter;
  splitter_normalized: AddedSplitter;
}

interface Part {
  readonly pattern?: RegExp | null;
  readonly normalize?: (text: string) => string;
  readonly pre_tokenize_text?: (text: string, options?: unknown) => string[];
  readonly decode_chain?: (tokens: readonly string[]) => string[];
}

type Config = Readonly<Record<string, unknown>>;

/** Steps per call of a part, and UTF-16 units of its text per further step. */
const [CALL, UNITS] = [16, 4];

/**
 * Instruments a tokenizer built from `json` without added tokens, then adds these. @throws
 * {UserError} `data` and {@linkcode UnsupportedPattern}
 */
export function bound(library: Library, json: TokenizerJson, meter: WorkMeter): void {
  const parts = library as unknown as Parts;
  boundPart(parts.normalizer, json.normalizer, { place: "normalizer", meter });
  boundPart(parts.pre_tokenizer, json.pre_tokenizer, { place: "pre_tokenizer", meter });
  boundPart(parts.decoder, json.decoder, { place: "decoder", meter });
  const { model } = parts;
  if (model instanceof BPE) boundBpe(model, meter);
  if (model instanceof Unigram) boundUnigram(model, meter);
  if (model instanceof WordPiece) boundWordPiece(model, meter);
  addTokens(parts, json, meter);
}

/** Adds the added tokens, as the library's constructor does. */
function addTokens(parts: Parts, { added_tokens }: TokenizerJson, meter: WorkMeter): void {
  const { model, normalizer, decoder } = parts;
  const [plain, normalized]: [string[], string[]] = [[], []];
  meter.begin(added_tokens.reduce((sum, { content }) => sum + content.length, 0));
  for (const config of added_tokens) {
    const token = new AddedToken(config as unknown as ConstructorParameters<typeof AddedToken>[0]);
    const { content, id } = token;
    parts.added_tokens.push(token);
    model.tokens_to_ids.set(content, id);
    model.vocab[id] = content;
    parts.added_tokens_map.set(content, token);
    if (token.normalized && normalizer?.normalize !== undefined) {
      const text = normalizer.normalize(content);
      normalized.push(text);
      parts.added_tokens_map.set(text, token);
    } else plain.push(content);
  }
  parts.splitter_unnormalized = new AddedSplitter(plain, meter);
  parts.splitter_normalized = new AddedSplitter(normalized, meter);
  if (decoder instanceof ByteLevelDecoder) findByName(decoder, added_tokens);
}

/** Replaces the library's linear search of added tokens per token of a text. */
function findByName(decoder: ByteLevelDecoder, added: TokenizerJson["added_tokens"]): void {
  const names = new Set(added.map(({ content }) => content));
  const plain = decoder.decode_chain.bind(decoder);
  Object.assign(decoder, {
    added_tokens: [],
    decode_chain(tokens: string[]): string[] {
      const texts: string[] = [];
      for (let from = 0, to = 0; from < tokens.length; from = to + 1) {
        to = from;
        while (to < tokens.length && !names.has(tokens[to] as string)) to++;
        if (to > from) texts.push(plain(tokens.slice(from, to)).join(""));
        if (to < tokens.length) texts.push(tokens[to] as string);
      }
      return texts;
    },
  });
}

/** Instruments a normalizer, pre-tokenizer or decoder, recursively. */
function boundPart(
  part: Part | null | undefined,
  config: unknown,
  { place, meter }: { readonly place: string; readonly meter: WorkMeter },
): void {
  if (!part || typeof config !== "object" || config === null) return;
  const own = config as Config;
  for (const [key, name] of LISTS) {
    const [inner, configs] = [(part as unknown as Record<string, unknown>)[key], own[name]];
    if (!Array.isArray(inner) || !Array.isArray(configs)) continue;
    for (const [i, one] of inner.entries()) {
      boundPart(one, configs[i], { place: `${place}.${name}.${i}`, meter });
    }
    return;
  }
  if (part.pattern && own["pattern"] !== undefined) {
    const { Regex, String: text } = own["pattern"] as Config;
    // For a String pattern the library splits by a capture group, which keeps the separators.
    const keeps = Regex === undefined && text !== undefined && own["invert"] === false;
    const use = { place: `${place}.pattern`, meter, keeps };
    // Keep known patterns in V8: it is faster, and they cannot backtrack exponentially.
    const isKnown = own["type"] === "Split" && PATTERNS.includes(String(Regex));
    if (!isKnown) Object.assign(part, { pattern: new Pattern(part.pattern.source, use) });
  }
  Object.assign(part, counted(part, own, { place, meter }));
}

/** Keys of a sequence's parts, in the library and in the file. */
const LISTS = [
  ["normalizers", "normalizers"],
  ["tokenizers", "pretokenizers"],
  ["decoders", "decoders"],
] as const;

/** The methods of a part, with counting. */
function counted(
  part: Part,
  config: Config,
  { place, meter }: { readonly place: string; readonly meter: WorkMeter },
): Part {
  const { normalize, pre_tokenize_text: cut, decode_chain: decode } = part;
  const take = (units: number): void => meter.take(CALL + units / UNITS, place);
  const grow = (from: number, to: number): void => meter.grow(to - from, place);
  const { replacement, str_rep } = part as { replacement?: unknown; str_rep?: unknown };
  const isMetaspace = config["type"] === "Metaspace";
  const space = String((isMetaspace ? str_rep ?? replacement : undefined) ?? "");
  return {
    ...normalize && {
      normalize(text) {
        take(text.length);
        const made = normalize.call(part, text);
        grow(text.length, made.length);
        return made;
      },
    },
    ...cut && {
      pre_tokenize_text(text, options) {
        take(text.length);
        // Check before spaces are replaced by long texts.
        if (space.length > 1) grow(0, space.length * text.split(" ").length);
        const made = cut.call(part, text, options);
        if (space.length <= 1) grow(text.length, unitsOf(made));
        return made;
      },
    },
    ...decode && {
      decode_chain(tokens) {
        const units = unitsOf(tokens);
        take(units + UNITS * tokens.length);
        const made = decode.call(part, tokens);
        grow(units, unitsOf(made));
        return made;
      },
    },
  };
}

function unitsOf(texts: readonly string[]): number {
  let units = 0;
  for (const text of texts) units += text.length;
  return units;
}
