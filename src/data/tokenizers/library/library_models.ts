/** Instruments the library's models to count their work. Results do not change. */
import type { BPE, Unigram, WordPiece } from "@huggingface/tokenizers";
import { UserError } from "../../../base/user_error.ts";
import { MOST } from "../limits.ts";
import type { WorkMeter } from "../meter.ts";

const PLACE = "model";

/** UTF-16 units compared per step. */
const COMPARED = 8;

/** Counts the pairs looked up, by the length of their tokens. */
export function boundBpe(model: BPE, meter: WorkMeter): void {
  const own = model as unknown as {
    add_node(queue: unknown, node: Pair): void;
    bpe(token: string): string[];
  };
  const { add_node: add, bpe } = own;
  Object.assign(model, {
    add_node(queue: unknown, node: Pair) {
      meter.take(1 + (node.token.length + node.next.token.length) / COMPARED, PLACE);
      add.call(model, queue, node);
    },
    bpe(token: string): string[] {
      requireShort(token, MOST.bpeWord);
      meter.take(1 + token.length / COMPARED, PLACE);
      return bpe.call(model, token);
    },
  });
}

interface Pair {
  readonly token: string;
  readonly next: { readonly token: string };
}

/** Counts lattice nodes as they are added, before scoring: they take memory. */
export function boundUnigram(model: Unigram, meter: WorkMeter): void {
  const own = model as unknown as {
    tokenize(text: string): string[];
    populate_nodes(lattice: Lattice): void;
    trie: { common_prefix_search(chars: readonly string[], at: number): Iterable<string> };
  };
  const { tokenize, populate_nodes: populate, trie } = own;
  const search = trie.common_prefix_search.bind(trie);
  Object.assign(trie, {
    *common_prefix_search(chars: readonly string[], at: number) {
      for (const token of search(chars, at)) {
        // One node each, scored against all nodes that end at its start.
        meter.take(NODE + token.length, PLACE);
        yield token;
      }
    },
  });
  Object.assign(model, {
    tokenize(text: string): string[] {
      requireShort(text, MOST.unigramWord);
      return tokenize.call(model, text);
    },
    populate_nodes(lattice: Lattice) {
      populate.call(model, lattice);
      const { begin_nodes: begins, end_nodes: ends } = lattice;
      for (const [i, { length }] of begins.entries()) {
        meter.take(1 + length * (ends[i] as readonly unknown[]).length, PLACE);
      }
    },
  });
}

/** Steps per node besides the length of its token: it takes a hundred bytes. */
const NODE = 16;

interface Lattice {
  readonly begin_nodes: readonly (readonly unknown[])[];
  readonly end_nodes: readonly (readonly unknown[])[];
}

/** Bounds the longest-match search by the longest token. */
export function boundWordPiece(model: WordPiece, meter: WorkMeter): void {
  const own = model as unknown as {
    readonly config: { readonly continuing_subword_prefix?: unknown };
    readonly tokens_to_ids: ReadonlyMap<string, number>;
    readonly max_input_chars_per_word: number;
    readonly unk_token: string;
  };
  const prefix = String(own.config.continuing_subword_prefix);
  let longest = 0;
  for (const token of own.tokens_to_ids.keys()) longest = Math.max(longest, token.length);
  const piecesOf = (chars: readonly string[]): string[] | undefined => {
    const pieces: string[] = [];
    for (let start = 0; start < chars.length;) {
      let piece: string | undefined;
      let end = Math.min(chars.length, start + longest);
      for (; end > start; end--) {
        const part = chars.slice(start, end).join("");
        meter.take(1 + part.length / COMPARED, PLACE);
        const token = start > 0 ? prefix + part : part;
        if (!own.tokens_to_ids.has(token)) continue;
        piece = token;
        break;
      }
      if (piece === undefined) return undefined;
      pieces.push(piece);
      start = end;
    }
    return pieces;
  };
  Object.assign(model, {
    encode(words: readonly string[]): string[] {
      return words.flatMap((word) => {
        const chars = [...word];
        const isLong = chars.length > own.max_input_chars_per_word;
        return (isLong ? undefined : piecesOf(chars)) ?? [own.unk_token];
      });
    },
  });
}

/** @throws {UserError} `data` for a word longer than the memory bound allows. */
function requireShort(word: string, most: number): void {
  if (word.length <= most) return;
  throw new UserError(
    "data",
    `Cannot encode the text: need words of at most ${most} characters for this ` +
      `tokenizer.json: one has ${word.length}`,
  );
}
