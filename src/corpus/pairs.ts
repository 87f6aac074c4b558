/** Reads the pairs of a run into memory, as a text of documents. */
import { basename } from "node:path";
import { runBlocking } from "../base/blocking.ts";
import { sha256 } from "../base/hash.ts";
import { UserError } from "../base/user_error.ts";
import type { RunConfig } from "../config/schema.ts";
import { cmudict } from "../data/cmudict.ts";
import { encodePairs } from "../data/pairs/encode.ts";
import { alignedPairs, type Pair, parsePairs } from "../data/pairs/parse.ts";
import { isPrepared } from "../data/prepared/open.ts";
import { readWhole } from "../data/read.ts";
import { textIn } from "../data/text.ts";
import { sidesTokenizer } from "../data/tokenizers/sides/sides.ts";
import type { Tokenizer } from "../data/tokenizers/types.ts";
import { corpusOf, type Data, requireHash, type Settled, withSourceTokens } from "./settled.ts";
import { tokenizerNamed } from "./tokenizer.ts";

/** Between the tokenizers of sources and of targets. */
const BETWEEN = "|";

/** The data of a run on pairs. @throws {UserError} for pairs that cannot be read or encoded. */
export async function fromPairs(
  { data }: RunConfig,
  settled: Settled | undefined,
): Promise<Data> {
  const { path, seq_len: most, validation } = data;
  if (data.mix !== null || (path !== null && isPrepared(path))) {
    throw new UserError(
      "config",
      "Cannot read pairs: need one file of them (data.path): prepared folders hold no pairs",
    );
  }
  const name = path ?? "the default pairs";
  const { pairs, text } = await pairsAt(path, name);
  const hash = await runBlocking(() => sha256(new TextEncoder().encode(text)));
  requireHash(hash, settled);
  const plain = settled?.tokenizer ?? await pairTokenizer(data.tokenizer ?? "char", pairs);
  const tokenizer = withSourceTokens(plain, data);
  const found = await runBlocking(() => encodePairs(pairs, { tokenizer, most, validation, name }));
  const { train, validation: held, long } = found;
  const read = textIn({ train: train.tokens, validation: held.tokens }, {
    name: path === null ? "cmudict" : basename(path),
    begins: { train: train.begins, validation: held.begins },
  });
  return {
    corpus: corpusOf({ texts: [read], tokenizer, settled }),
    hash,
    notes: [
      `${name} has ${train.begins.length} pairs to train on and ${held.begins.length} to validate on`,
      ...long === 0
        ? []
        : [`${long} pairs of ${name} are left out: a side is longer than data.seq_len ${most}`],
    ],
  };
}

/** Pairs of one file, or of two with aligned lines, `sources,targets`; and the text for the hash. */
async function pairsAt(
  path: string | null,
  name: string,
): Promise<{ pairs: Pair[]; text: string }> {
  const halves = path?.split(",") ?? [];
  const [one, other] = halves;
  if (halves.length === 2 && one !== undefined && other !== undefined) {
    const texts = [await readWhole(one), await readWhole(other)] as const;
    return { pairs: alignedPairs(texts, [one, other]), text: texts.join("\0") };
  }
  const text = path === null ? await cmudict() : await readWhole(path);
  return { pairs: await runBlocking(() => parsePairs(text, name)), text };
}

/** One tokenizer for both sides, or one for each: `char|word`. */
async function pairTokenizer(name: string, pairs: readonly Pair[]): Promise<Tokenizer> {
  const [first, second] = name.split(BETWEEN) as [string, string?];
  const sources = pairs.map(({ source }) => source).join("\n");
  const targets = pairs.map(({ target }) => target).join("\n");
  if (second === undefined) return await tokenizerNamed(first, `${sources}\n${targets}`, null);
  return sidesTokenizer(
    await tokenizerNamed(first, sources, null),
    await tokenizerNamed(second, targets, null),
  );
}
