/** Texts on their way to workers: tokens in memory are sent, prepared folders are named. */
import { openTokens } from "../../src/data/prepared/tokens.ts";
import type { Documents } from "../../src/data/documents.ts";
import type { Text } from "../../src/data/text.ts";
import { textIn } from "../../src/data/text.ts";
import type { SentText } from "./messages.ts";

/** A text whose tokens lie in a prepared folder, which workers open by themselves. */
export interface FolderText extends Text {
  readonly folder: string;
  /** SHA-256 (hex) of the folder's tokenizer. */
  readonly tokenizerHash: string;
  /** Hashes that hold the tokens of both parts, as they were opened, to what they are. */
  readonly proofs: readonly string[];
}

/** What a setup order says of texts, and the numbers behind it. */
export function sendTexts(
  texts: readonly Text[],
): { readonly texts: readonly SentText[]; readonly tokens: Uint32Array } {
  const sent = texts.map((text): SentText => {
    const { name, weight, train, validation } = text;
    const [first, second] = [train.documents, validation.documents];
    return isFolder(text)
      ? { name, weight, folder: text.folder, documents: first !== undefined }
      : {
        name,
        weight,
        train: train.length,
        validation: validation.length,
        begins: first && second ? [first.count, second.count] : null,
      };
  });
  const parts = texts.filter((text) => !isFolder(text)).flatMap(numbersOf);
  const tokens = new Uint32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    tokens.set(part, at);
    at += part.length;
  }
  return { texts: sent, tokens };
}

/** Tokens of both parts, then the places at which documents begin. */
function numbersOf({ train, validation }: Text): Uint32Array[] {
  const parts = [train, validation];
  const tokens = parts.map((part) => {
    const all = new Uint32Array(part.length);
    part.read(0, all);
    return all;
  });
  const begins = parts.flatMap(({ documents }) =>
    documents === undefined ? [] : [placesOf(documents)]
  );
  return [...tokens, ...begins];
}

function placesOf({ count, after }: Documents): Uint32Array {
  let at = 0;
  return Uint32Array.from({ length: count }, () => at = after(at));
}

/** The texts that an order speaks of. @throws {Refusal} `data` for a damaged folder. */
export function receiveTexts(
  texts: readonly SentText[],
  numbers: Uint32Array,
  reachable: (path: string) => string = (path) => path,
): Text[] {
  let at = 0;
  const take = (length: number): Uint32Array => numbers.subarray(at, at += length);
  return texts.map((text) => {
    if ("folder" in text) return folderText(reachable(text.folder), text);
    const parts = { train: take(text.train), validation: take(text.validation) };
    const [first, second] = text.begins ?? [];
    const begins = first === undefined || second === undefined
      ? undefined
      : { train: take(first), validation: take(second) };
    return textIn(parts, { name: text.name, weight: text.weight, begins });
  });
}

/** The text of a prepared folder. @throws {Refusal} when it cannot be opened. */
export function folderText(
  folder: string,
  { name, weight, documents }: {
    readonly name: string;
    readonly weight: number;
    /** Whether its documents are told apart. */
    readonly documents: boolean;
  },
): FolderText {
  const train = openTokens(folder, "train", { documents });
  const validation = openTokens(folder, "validation", { documents });
  const { tokenizerHash } = train;
  const proofs = [train.proof, validation.proof];
  return { name, weight, folder, tokenizerHash, proofs, train, validation };
}

/** What holds the texts that lie in prepared folders to their tokens, in order. */
export function proofsOf(texts: readonly Text[]): readonly (readonly string[])[] {
  return texts.filter(isFolder).map(({ proofs }) => proofs);
}

/** Hash of the tokenizer that made the texts in prepared folders; undefined where none is in one. */
export function tokenizerOf(texts: readonly Text[]): string | undefined {
  return texts.find(isFolder)?.tokenizerHash;
}

/** Folders that workers must be able to read. */
export function foldersOf(texts: readonly Text[]): string[] {
  return texts.filter(isFolder).map(({ folder }) => folder);
}

/** The first token of the first text, from which a sample begins unless told otherwise. */
export function firstTokens([text]: readonly Text[]): number[] {
  const first = new Uint32Array(Math.min(1, text?.train.length ?? 0));
  text?.train.read(0, first);
  return [...first];
}

function isFolder(text: Text): text is FolderText {
  return "folder" in text;
}
