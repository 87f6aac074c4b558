/** Texts in prepared folders: each process opens them itself, and holds what it reads to its hashes. */
import { openTokens } from "../data/prepared/tokens.ts";
import type { Text } from "../data/text.ts";

/** A text whose tokens lie in a prepared folder, which workers open by themselves. */
export interface FolderText extends Text {
  readonly folder: string;
  /** SHA-256 (hex) of the folder's tokenizer. */
  readonly tokenizerHash: string;
  /** Hashes that hold the tokens of both parts, as they were opened, to what they are. */
  readonly proofs: readonly string[];
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
  return texts.filter(isFolderText).map(({ proofs }) => proofs);
}

/** Hash of the tokenizer that made the texts in prepared folders; undefined where none is in one. */
export function tokenizerOf(texts: readonly Text[]): string | undefined {
  return texts.find(isFolderText)?.tokenizerHash;
}

/** Folders that workers must be able to read. */
export function foldersOf(texts: readonly Text[]): string[] {
  return texts.filter(isFolderText).map(({ folder }) => folder);
}

/** The first token of the first text, from which a sample begins unless told otherwise. */
export function firstTokens([text]: readonly Text[]): number[] {
  const first = new Uint32Array(Math.min(1, text?.train.length ?? 0));
  text?.train.read(0, first);
  return [...first];
}

/** Whether the tokens of a text lie in a prepared folder. */
export function isFolderText(text: Text): text is FolderText {
  return "folder" in text;
}
