/** Input files and their file info. */
import { fileFault } from "../base/file_fault.ts";

/** An input file. */
export interface Input {
  /** Name for messages. */
  readonly name: string;
  /** Path of its bytes: its name, or the file that a pipe was copied to. */
  readonly path: string;
  /** Size on disk, compressed if it is. */
  readonly bytes: number;
  /** Modification time in milliseconds. */
  readonly modified: number;
  /** Whether it is a gzip file. */
  readonly packed: boolean;
  /** Plain text, or JSON records: one per line, items of an array, or concatenated values. */
  readonly kind: "text" | "jsonl" | "array" | "values";
}

/** Whether a file is a gzip file, by its name. */
export function isPacked(path: string): boolean {
  return /\.gz$/i.test(path);
}

/** The file info. @throws {UserError} `noInput` for a missing file. */
export async function statOf(path: string): Promise<Deno.FileInfo> {
  try {
    return await Deno.stat(path);
  } catch (error) {
    throw readFault(path, error);
  }
}

/** A system error as a UserError, if the user can fix it. */
export function readFault(path: string, error: unknown): unknown {
  return fileFault(error, { doing: "read", path, need: "a text file" });
}
