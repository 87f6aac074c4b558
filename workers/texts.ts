/** Texts on their way to workers: tokens in memory are sent, prepared folders are named. */
import { openTokens } from "../src/data/prepared/tokens.ts";
import type { Text } from "../src/data/text.ts";
import { textIn } from "../src/data/text.ts";
import type { SentText } from "./messages.ts";

/** A text whose tokens lie in a prepared folder, which workers open by themselves. */
export interface FolderText extends Text {
  readonly folder: string;
}

/** What a setup order says of texts, and the tokens behind it. */
export function sendTexts(
  texts: readonly Text[],
): { readonly texts: readonly SentText[]; readonly tokens: Uint32Array } {
  const sent = texts.map((text): SentText => {
    const { name, weight, train, validation } = text;
    return isFolder(text)
      ? { name, weight, folder: text.folder }
      : { name, weight, train: train.length, validation: validation.length };
  });
  const inMemory = texts.filter((text) => !isFolder(text))
    .flatMap(({ train, validation }) => [train, validation]);
  const tokens = new Uint32Array(inMemory.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of inMemory) {
    part.read(0, tokens.subarray(at, at + part.length));
    at += part.length;
  }
  return { texts: sent, tokens };
}

/** The texts that an order speaks of. @throws {Refusal} `data` for a damaged folder. */
export function receiveTexts(
  texts: readonly SentText[],
  tokens: Uint32Array,
  reachable: (path: string) => string = (path) => path,
): Text[] {
  let at = 0;
  const take = (length: number): Uint32Array => tokens.subarray(at, at += length);
  return texts.map((text) =>
    "folder" in text
      ? folderText(reachable(text.folder), text)
      : textIn({ train: take(text.train), validation: take(text.validation) }, text)
  );
}

/** The text of a prepared folder. @throws {Refusal} when it cannot be opened. */
export function folderText(
  folder: string,
  { name, weight }: { readonly name: string; readonly weight: number },
): FolderText {
  const train = openTokens(folder, "train");
  return { name, weight, folder, train, validation: openTokens(folder, "validation") };
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
