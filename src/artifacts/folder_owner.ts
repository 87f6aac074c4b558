/**
 * Which command filled a folder. Each command owns its folder: files of two commands in one folder
 * would be read, resumed and removed together.
 */
import { UserError } from "../base/user_error.ts";
import { isPrepared } from "../data/prepared/folder.ts";

/** Files that a run writes besides its config. */
export const RECORDS = [
  "checkpoints",
  "metrics.jsonl",
  "samples.jsonl",
  "summary.json",
  "journal.jsonl",
] as const;

/** Kinds of folder contents, as errors name them. */
export type Held = "a run" | "a sweep" | "prepared tokens" | "an exported model";

const SWEEP: readonly string[] = ["sweep.json", "sweep.jsonl", "trials.jsonl", "trials.csv"];
const SHARD = /^(train|validation)-\d{5}\.tokens$/;

/** What a folder with these names holds; files of other names belong to the user. Pure. */
export function heldBy(names: readonly string[]): Held[] {
  const held: Held[] = [];
  if (names.some((name) => SWEEP.includes(name))) held.push("a sweep");
  if (names.some((name) => RECORDS.some((record) => record === name))) held.push("a run");
  if (names.some((name) => SHARD.test(name))) held.push("prepared tokens");
  if (names.includes("model.safetensors")) held.push("an exported model");
  return held;
}

/**
 * Refuses a folder that another command filled, before anything is written there.
 * @throws {UserError} `config` unless `folder` holds `own` or nothing that a command wrote.
 */
export function requireOwn(
  folder: string,
  { own, doing, need = "an empty folder or a new one" }: {
    own: Held;
    /** The start of the error: "Cannot start in". */
    doing: string;
    need?: string;
  },
): void {
  const held = heldIn(folder);
  if (held.length === 0 || held.includes(own)) return;
  throw new UserError("config", `${doing} ${folder}: need ${need}: it holds ${held[0]}`);
}

function heldIn(folder: string): Held[] {
  try {
    const held = heldBy(Array.from(Deno.readDirSync(folder), ({ name }) => name));
    // Names of prepared files are common, so check the format in the JSON.
    return held.length === 0 && isPrepared(folder) ? ["prepared tokens"] : held;
  } catch {
    // No folder, or one that cannot be read: opening it reports that.
    return [];
  }
}
