/** Reads the text of a run. Knows files and encodings, not tokens. */
import { Refusal } from "../base/refusal.ts";
import { mobyDick } from "./moby_dick.ts";

/** Longest string that the engine can hold, in UTF-16 units (V8 on 64-bit machines). */
const LONGEST = 2 ** 29 - 24;

/** The text at `path` without a byte order mark, or the default text for null; never empty. */
export async function readText(path: string | null): Promise<string> {
  if (path === null) return await mobyDick();
  const text = decodeUtf8(await readBytes(path), path);
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
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      throw new Refusal("noInput", `Cannot read ${path}: need a text file: there is none`);
    }
    if (error instanceof Deno.errors.PermissionDenied || error instanceof Deno.errors.NotCapable) {
      throw new Refusal("noInput", `Cannot read ${path}: need leave to read it: ${error.message}`);
    }
    throw error;
  }
}

function decodeUtf8(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new Refusal(
      "data",
      `Cannot read ${path}: need UTF-8 text: byte ${firstFault(bytes)} is not`,
    );
  }
}

/** Offset of the byte at which `bytes` stop being UTF-8; their length if a character is cut off. */
function firstFault(bytes: Uint8Array): number {
  // A streaming decoder forgives an unfinished last character, so a prefix fails
  // exactly from the faulty byte on, and the shortest failing prefix can be bisected.
  let good = 0;
  let bad = bytes.length + 1;
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (isPrefix(bytes.subarray(0, middle))) good = middle;
    else bad = middle;
  }
  return bad - 1;
}

function isPrefix(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true });
    return true;
  } catch {
    return false;
  }
}
