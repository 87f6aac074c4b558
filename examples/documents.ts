/** Writes documents as `prepare` reads them: one JSON object per line, with a text. */
import { say } from "../src/base/text/say.ts";

/** Writes `documents.jsonl` into a folder that may not be there yet. */
export async function writeDocuments(folder: string, texts: readonly string[]): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  const lines = texts.map((text) => JSON.stringify({ text }) + "\n");
  await Deno.writeTextFile(`${folder}/documents.jsonl`, lines.join(""));
  say(`${texts.length} documents in ${folder}/documents.jsonl`);
}
