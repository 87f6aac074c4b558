/** Sends texts to other processes: tokens in memory as a payload, prepared folders by name. */
import type { Documents } from "../data/documents.ts";
import type { Text } from "../data/text.ts";
import { textIn } from "../data/text.ts";
import { folderText, isFolderText } from "./folder_text.ts";

/** A text as a worker receives it: its tokens are in the payload, or in a prepared folder. */
export type SentText =
  & { readonly name: string; readonly weight: number }
  & (
    | {
      readonly train: number;
      readonly validation: number;
      /** Number of document starts of each part in the payload. */
      readonly begins: readonly [train: number, validation: number] | null;
    }
    | { readonly folder: string; readonly documents: boolean }
  );

/** The texts of a `setup` order, and the numbers of its payload. */
export function sendTexts(
  texts: readonly Text[],
): { readonly texts: readonly SentText[]; readonly tokens: Uint32Array } {
  const sent = texts.map((text): SentText => {
    const { name, weight, train, validation } = text;
    const [first, second] = [train.documents, validation.documents];
    return isFolderText(text)
      ? { name, weight, folder: text.folder, documents: first !== undefined }
      : {
        name,
        weight,
        train: train.length,
        validation: validation.length,
        begins: first && second ? [first.count, second.count] : null,
      };
  });
  const parts = texts.filter((text) => !isFolderText(text)).flatMap(numbersOf);
  const tokens = new Uint32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    tokens.set(part, at);
    at += part.length;
  }
  return { texts: sent, tokens };
}

/** Tokens of both parts, then the positions at which documents begin. */
function numbersOf({ train, validation }: Text): Uint32Array[] {
  const parts = [train, validation];
  const tokens = parts.map((part) => {
    const all = new Uint32Array(part.length);
    part.read(0, all);
    return all;
  });
  const begins = parts.flatMap(({ documents }) =>
    documents === undefined ? [] : [positionsOf(documents)]
  );
  return [...tokens, ...begins];
}

function positionsOf({ count, after }: Documents): Uint32Array {
  let at = 0;
  return Uint32Array.from({ length: count }, () => at = after(at));
}

/** The texts of a `setup` order. @throws {UserError} `data` for a damaged folder. */
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
