/** Reads UTF-8 text from files, pipes and stdin. */
import { runBlocking } from "../base/blocking.ts";
import { type FileAction, fileFault } from "../base/file_fault.ts";
import { parseJsonText } from "../base/text/json.ts";
import { UserError } from "../base/user_error.ts";
import { shellWord } from "../base/text/shell.ts";
import { utf8Text } from "../base/text/utf8.ts";
import { foreignFormat, FORMAT_BYTES, markupFormat, recordKind } from "./format.ts";
import { mobyDick } from "./moby_dick.ts";
import { isPipe, pipeChunks } from "./pipe.ts";
import { FILE_BYTES } from "./tokenizers/limits.ts";
import { ByteRow } from "./tokenizers/utf8.ts";

/** Longest string in V8 on 64-bit machines, in UTF-16 units. */
const LONGEST = 2 ** 29 - 24;

/**
 * The text at `path` without a byte order mark; may be empty. `-` is stdin. `doing` names the
 * action in errors. @throws {UserError} `noInput` (or `doing.exit`) when it is missing, `data` when
 * it is not UTF-8 text.
 */
export async function readWhole(path: string, doing: FileAction = {}): Promise<string> {
  const bytes = await readBytes(path, doing);
  return await runBlocking(() => textOfBytes(bytes, path));
}

/** Decodes UTF-8 without a byte order mark; `name` is for errors. @throws {UserError} `data` */
export function textOfBytes(bytes: Uint8Array, name: string): string {
  requireText(bytes.subarray(0, FORMAT_BYTES), name);
  const text = utf8Text(bytes);
  if (typeof text === "string") return text.startsWith("\ufeff") ? text.slice(1) : text;
  throw new UserError(
    "data",
    `Cannot read ${name}: need UTF-8 text: byte ${text} is not${latinHint(bytes, text)}`,
  );
}

/** Line of the invalid byte, and the encoding that it suggests. */
function latinHint(bytes: Uint8Array, at: number): string {
  if (at >= bytes.length) return ", for the text ends in a character";
  const line = bytes.subarray(0, at).filter((byte) => byte === 10).length + 1;
  const byte = (bytes[at] as number).toString(16).toUpperCase();
  return `: 0x${byte} in line ${line}, as in Latin-1 (ISO 8859-1, Windows-1252)`;
}

/** @throws {UserError} `data` with the detected format when the first bytes are not UTF-8 text. */
export function requireText(head: Uint8Array, name: string): void {
  const format = foreignFormat(head);
  if (format === undefined) return;
  throw new UserError("data", `Cannot read ${name}: need UTF-8 text: it is ${format}`);
}

/**
 * The parsed value and the bytes of the tokenizer.json at `path`. @throws {UserError} `data` for
 * invalid JSON.
 */
export async function readTokenizerFile(
  path: string,
): Promise<{ readonly json: unknown; readonly bytes: Uint8Array }> {
  const bytes = await readBytes(path, { need: "a tokenizer.json", most: FILE_BYTES });
  const text = textOfBytes(bytes, path);
  try {
    return { json: parseJsonText(text), bytes };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new UserError(
      "data",
      `Cannot read ${path}: need JSON: ${error.message.replaceAll(/\s+/g, " ")}`,
    );
  }
}

/**
 * The non-empty text at `path` without a byte order mark, or the default text for null. @throws
 * {UserError} with the command to run for a format that only `prepare` reads.
 */
export async function readText(path: string | null): Promise<string> {
  if (path === null) return await mobyDick();
  const info = await Deno.stat(path).catch(() => undefined);
  const found = info?.isDirectory ? "a directory" : formatByName(path);
  if (info !== undefined && found !== undefined) {
    throw new UserError(
      "data",
      `Cannot read ${path}: need a text file, or a folder that prepare made: it is ${found}; run ` +
        `deno task prepare ${shellWord(path)} --out=DIR, then give DIR`,
    );
  }
  const markup = markupFormat(path);
  if (info !== undefined && markup !== undefined) {
    throw new UserError("data", `Cannot read ${path}: need a text file: it is ${markup}`);
  }
  const text = await readWhole(path);
  if (text.length === 0) {
    throw new UserError("data", `Cannot train on ${path}: need some text: the file is empty`);
  }
  return text;
}

/** Formats that only `prepare` reads, by file name. */
function formatByName(path: string): string | undefined {
  if (markupFormat(path) !== undefined) return undefined;
  if (recordKind(path) !== undefined) return "a file of JSON records";
  return /\.gz$/i.test(path) ? "a gzip file" : undefined;
}

/** The bytes of the file or pipe at `path`. @throws {UserError} as `readWhole` does. */
export async function readBytes(
  path: string,
  { most = LONGEST, ...doing }: FileAction & { readonly most?: number } = {},
): Promise<Uint8Array> {
  try {
    if (await isPipe(path)) return await pipedBytes(path, most);
    const { isDirectory, isFile, size } = await Deno.stat(path);
    if (isDirectory) {
      throw new UserError("data", `Cannot read ${path}: need a text file: it is a directory`);
    }
    if (!isFile) throw new UserError("data", `Cannot read ${path}: need a file: it is a device`);
    requireLength(size, { path, most });
    return await Deno.readFile(path);
  } catch (error) {
    throw fileFault(error, { doing: "read", path, need: "a text file", ...doing });
  }
}

/** All bytes of a pipe. */
async function pipedBytes(path: string, most: number): Promise<Uint8Array> {
  const row = new ByteRow();
  for await (const chunk of pipeChunks(path)) {
    row.addAll(chunk);
    requireLength(row.bytes.length, { path, most });
  }
  return row.bytes;
}

function requireLength(
  length: number,
  { path, most }: { readonly path: string; readonly most: number },
): void {
  if (length <= most) return;
  throw new UserError("data", `Cannot read ${path}: need at most ${most} bytes: it has ${length}`);
}
