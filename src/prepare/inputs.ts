/** A file to read, and what the system says of it. */
import { fileFault } from "../base/file_fault.ts";

/** A file to read. */
export interface Input {
  /** As people name it. */
  readonly name: string;
  /** Where its bytes lie: its name, or the file that a pipe was kept in. */
  readonly path: string;
  /** As the file lies: packed where it is packed. */
  readonly bytes: number;
  /** Time of the last change in milliseconds. */
  readonly modified: number;
  /** Whether it is a gzip file. */
  readonly packed: boolean;
  /**
   * A text, or JSON whose objects hold a text each: one in each line, the items of an array, or
   * values one behind another.
   */
  readonly kind: "text" | "jsonl" | "array" | "values";
}

/** Whether a file is a gzip file, by its name. */
export function isPacked(path: string): boolean {
  return /\.gz$/i.test(path);
}

/** What the system says of a file. @throws {Refusal} `noInput` where there is none. */
export async function statOf(path: string): Promise<Deno.FileInfo> {
  try {
    return await Deno.stat(path);
  } catch (error) {
    throw readFault(path, error);
  }
}

/** An error of the system as a refusal where the user can mend it. */
export function readFault(path: string, error: unknown): unknown {
  return fileFault(error, { doing: "read", path, need: "a text file" });
}
