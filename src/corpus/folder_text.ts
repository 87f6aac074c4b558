/**
 * Texts in prepared folders. Each process opens them itself and verifies blocks as it reads them.
 */
import { openTokens } from "../data/prepared/tokens.ts";
import type { Text } from "../data/text.ts";

/** A text in a prepared folder. */
export interface FolderText extends Text {
  readonly folder: string;
  /** SHA-256 (hex) of the folder's tokenizer. */
  readonly tokenizerHash: string;
  /** Hashes that identify the tokens of the training and validation parts. */
  readonly proofs: readonly string[];
}

/** The text of a prepared folder. @throws {UserError} when it cannot be opened. */
export function folderText(
  folder: string,
  { name, weight, documents }: {
    readonly name: string;
    readonly weight: number;
    /** Whether to load document boundaries. */
    readonly documents: boolean;
  },
): FolderText {
  const train = openTokens(folder, "train", { documents });
  const validation = openTokens(folder, "validation", { documents });
  const { tokenizerHash } = train;
  const proofs = [train.proof, validation.proof];
  return { name, weight, folder, tokenizerHash, proofs, train, validation };
}

/** Proofs of the texts in prepared folders, in order. */
export function proofsOf(texts: readonly Text[]): readonly (readonly string[])[] {
  return texts.filter(isFolderText).map(({ proofs }) => proofs);
}

/** Tokenizer hash of the prepared folders; undefined when there are none. */
export function tokenizerOf(texts: readonly Text[]): string | undefined {
  return texts.find(isFolderText)?.tokenizerHash;
}

/** Prepared folders that workers read. */
export function foldersOf(texts: readonly Text[]): string[] {
  return texts.filter(isFolderText).map(({ folder }) => folder);
}

/** The first token of the first text: the default prompt of samples. */
export function firstTokens([text]: readonly Text[]): number[] {
  const first = new Uint32Array(Math.min(1, text?.train.length ?? 0));
  text?.train.read(0, first);
  return [...first];
}

/** Whether the tokens of a text lie in a prepared folder. */
export function isFolderText(text: Text): text is FolderText {
  return "folder" in text;
}
