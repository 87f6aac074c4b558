/** Writes documents for `prepare`: one JSON object with a text per line. */
import { say } from "../src/base/text/say.ts";

/** Writes `documents.jsonl`; creates the folder if missing. */
export async function writeDocuments(folder: string, texts: readonly string[]): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  const lines = texts.map((text) => JSON.stringify({ text }) + "\n");
  await Deno.writeTextFile(`${folder}/documents.jsonl`, lines.join(""));
  say(`${texts.length} documents in ${folder}/documents.jsonl`);
}
