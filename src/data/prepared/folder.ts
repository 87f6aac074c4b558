/** File names of a prepared folder, and its validated index. */
import { join } from "node:path";
import { sealFault } from "../../base/hash.ts";
import { parseJsonText } from "../../base/text/json.ts";
import { UserError } from "../../base/user_error.ts";
import { isDirectory, textIfAny } from "./files.ts";
import { indexSchema, type PreparedIndex } from "./schema.ts";

/** Written last, when the folder is complete. */
export const INDEX = "index.json";
/** The tokenizer as JSON. */
export const TOKENIZER = "tokenizer.shoal.json";

/** Exists while the folder is incomplete. */
export const PROGRESS = "progress.json";

/** A side of the split. */
export type TextPart = "train" | "validation";
/** Both sides. */
export const TEXT_PARTS: readonly TextPart[] = ["train", "validation"];

/** Name of a shard. */
export function shardName(part: TextPart, number: number): string {
  return `${part}-${String(number).padStart(5, "0")}.tokens`;
}

/** Whether a folder holds prepared tokens, complete or not. */
export function isPrepared(path: string): boolean {
  return isDirectory(path) && (textIfAny(join(path, PROGRESS)) !== undefined || isFinished(path));
}

/** Whether a folder holds a complete preparation. */
export function isFinished(path: string): boolean {
  const text = textIfAny(join(path, INDEX));
  if (text === undefined) return false;
  try {
    return (parseJsonText(text) as { format?: unknown } | null)?.format === "shoal-tokens-1";
  } catch {
    return false;
  }
}

/**
 * The index of a prepared folder. @throws {UserError} `noInput` when it is missing, `data` when it
 * is damaged.
 */
export function readIndex(path: string): PreparedIndex {
  const text = textIfAny(join(path, INDEX));
  if (text === undefined) {
    const begun = textIfAny(join(path, PROGRESS)) !== undefined;
    const found = begun ? "its preparation is not finished; run it again" : `it has no ${INDEX}`;
    throw new UserError(
      "noInput",
      `Cannot open ${path}: need a folder that prepare made: ${found}`,
    );
  }
  return parseJson(join(path, INDEX), { text, schema: indexSchema });
}

/** A validator of plain values; zod schemas implement it. */
export interface Judge<T> {
  safeParse(value: unknown):
    | { success: true; data: T }
    | {
      success: false;
      error: { issues: readonly { path: readonly PropertyKey[]; message: string }[] };
    };
}

/**
 * Parses JSON text, checks its seal, and validates it without the seal. @throws {UserError} `data`
 */
export function parseJson<T>(
  path: string,
  { text, schema }: { text: string; schema: Judge<T> },
): T {
  let value: unknown;
  try {
    value = parseJsonText(text);
  } catch (error) {
    throw new UserError("data", `Cannot read ${path}: need JSON: ${(error as Error).message}`);
  }
  const fault = sealFault(value);
  if (fault !== undefined) {
    throw new UserError("data", `Cannot read ${path}: need what prepare wrote: ${fault}`);
  }
  const parsed = schema.safeParse(withoutSeal(value));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const place = issue?.path.map(String).join(".") || "the whole";
  throw new UserError("data", `Cannot read ${path}: ${place}: ${issue?.message}`);
}

function withoutSeal(value: unknown): unknown {
  if (typeof value !== "object" || value === null || !("seal" in value)) return value;
  const { seal: _, ...rest } = value;
  return rest;
}
