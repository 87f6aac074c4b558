/** Detects the format of a file by name and first bytes: text or records, gzip or not. */
import { parseJsonText } from "../base/text/json.ts";
import { UserError } from "../base/user_error.ts";
import { FORMAT_BYTES, markupFormat, recordKind } from "../data/format.ts";
import { requireText } from "../data/read.ts";
import { ByteStream } from "./byte_stream.ts";
import { type Input, isPacked, readFault, statOf } from "./inputs.ts";

/** Options of {@linkcode inputOf}. */
export interface InspectOptions {
  /** Path of its bytes, for a copied pipe. */
  readonly path?: string;
  /** Called with a notice when the format looks unintended. */
  readonly note?: (text: string) => void;
}

/**
 * The input file `name`. @throws {UserError} `noInput` for a missing file, `data` for one with
 * neither text nor records.
 */
export async function inputOf(
  name: string,
  { path = name, note }: InspectOptions = {},
): Promise<Input> {
  const { size, mtime, isDirectory, isFile } = await statOf(path);
  if (!isFile) {
    const found = isDirectory ? "a folder" : "a device or a socket";
    throw new UserError("noInput", `Cannot read ${name}: need a text file: it is ${found}`);
  }
  const markup = markupFormat(name);
  if (markup !== undefined) {
    throw new UserError("data", `Cannot read ${name}: need text or JSON records: it is ${markup}`);
  }
  const file = { name, path, bytes: size, modified: mtime?.getTime() ?? 0 };
  const packed = isPacked(name) || (isNameless(name) && await isGzip(file));
  const input: Input = { ...file, packed, kind: "text" };
  const head = await headOf(input);
  requireText(head, name);
  const kind = kindOf(name, head);
  if (kind === "text" && beginsWithRecord(new TextDecoder().decode(head))) {
    note?.(
      `${name} is read as text, though its first line is a JSON object: ` +
        "name it .jsonl to take the text in each line",
    );
  }
  return { ...input, kind };
}

function kindOf(name: string, head: Uint8Array): Input["kind"] {
  const named = recordKind(name);
  if (named === "jsonl") return "jsonl";
  const text = new TextDecoder().decode(head).trimStart();
  if (named === "json") return text.startsWith("[") ? "array" : "values";
  if (!isNameless(name)) return "text";
  // A pipe has no suffix, so its first bytes decide.
  if (/^\[\s*\{\s*"/.test(text)) return "array";
  return beginsWithRecord(text) ? "jsonl" : "text";
}

/** Whether the first line of a text is a JSON object. */
function beginsWithRecord(text: string): boolean {
  const [line = ""] = text.split("\n", 1);
  try {
    const value: unknown = parseJsonText(line);
    return typeof value === "object" && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

/** Whether a name has no format suffix by nature: stdin or a pipe. */
function isNameless(name: string): boolean {
  return name === "-" || name.startsWith("/dev/");
}

async function isGzip(file: Omit<Input, "packed" | "kind">): Promise<boolean> {
  const [a, b] = await headOf({ ...file, packed: false, kind: "text" });
  return a === 0x1f && b === 0x8b;
}

/** First bytes of a file, decompressed. */
async function headOf(input: Input): Promise<Uint8Array> {
  if (!input.packed) return await firstBytes(input);
  await using stream = new ByteStream(input);
  return (await stream.peek(FORMAT_BYTES)).slice(0, FORMAT_BYTES);
}

/**
 * First bytes of a file as stored. Reads directly, because a ByteStream allocates a large buffer.
 */
async function firstBytes({ path, bytes }: Pick<Input, "path" | "bytes">): Promise<Uint8Array> {
  const head = new Uint8Array(Math.min(FORMAT_BYTES, bytes));
  try {
    using file = await Deno.open(path, { read: true });
    let n = 0;
    for (let got; n < head.length && (got = await file.read(head.subarray(n))) !== null;) n += got;
    return head.subarray(0, n);
  } catch (error) {
    throw readFault(path, error);
  }
}
