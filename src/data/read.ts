/** Reads the text of a run. Knows files and encodings, not tokens. */
import { fileFault } from "../base/file_fault.ts";
import { Refusal } from "../base/refusal.ts";
import { utf8Text } from "../base/utf8.ts";
import { mobyDick } from "./moby_dick.ts";

/** Longest string that the engine can hold, in UTF-16 units (V8 on 64-bit machines). */
const LONGEST = 2 ** 29 - 24;

/** The text at `path`, which may be empty, without a byte order mark. */
export async function readWhole(path: string): Promise<string> {
  return textOfBytes(await readBytes(path), path);
}

/** Bytes from somewhere called `name` as text, without a byte order mark. */
export function textOfBytes(bytes: Uint8Array, name: string): string {
  return decodeUtf8(bytes, name);
}

/** The value that the JSON file at `path` holds. @throws {Refusal} `data` for what is no JSON. */
export async function readJson(path: string): Promise<unknown> {
  const text = await readWhole(path);
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new Refusal(
      "data",
      `Cannot read ${path}: need JSON: ${error.message.replaceAll(/\s+/g, " ")}`,
    );
  }
}

/** The text at `path` without a byte order mark, or the default text for null; never empty. */
export async function readText(path: string | null): Promise<string> {
  if (path === null) return await mobyDick();
  const text = await readWhole(path);
  if (text.length === 0) {
    throw new Refusal("data", `Cannot train on ${path}: need some text: the file is empty`);
  }
  return text;
}

async function readBytes(path: string): Promise<Uint8Array> {
  try {
    const { isDirectory, size } = await Deno.stat(path);
    if (isDirectory) {
      throw new Refusal("data", `Cannot read ${path}: need a text file: it is a directory`);
    }
    if (size > LONGEST) {
      throw new Refusal(
        "data",
        `Cannot read ${path}: need at most ${LONGEST} bytes: it has ${size}`,
      );
    }
    return await Deno.readFile(path);
  } catch (error) {
    throw fileFault(error, { doing: "read", path, need: "a text file" });
  }
}

function decodeUtf8(bytes: Uint8Array, path: string): string {
  const text = utf8Text(bytes);
  if (typeof text === "string") return text.startsWith("\ufeff") ? text.slice(1) : text;
  throw new Refusal("data", `Cannot read ${path}: need UTF-8 text: byte ${text} is not`);
}
