/**
 * The places in an output folder that its command writes to. A folder may come from somebody else: a
 * symbolic link in it could lead each write to any file of this user, and a named pipe would let
 * an open wait for ever. Readers follow links; writers do not, unless the user asks for it.
 */
import { basename, dirname, join, resolve } from "node:path";
import { fileFault, hasCode } from "../base/file_fault.ts";
import { kindOf } from "../base/file_kind.ts";
import { UserError } from "../base/user_error.ts";

/** Names in a folder, by what must lie there if anything does. */
export interface Places {
  readonly files: readonly string[];
  readonly folders: readonly string[];
}

/** What a run writes to under names that stay. */
export const RUN_PLACES: Places = {
  files: [
    "config.json",
    "metrics.jsonl",
    "samples.jsonl",
    "summary.json",
    "journal.jsonl",
    ".control",
  ],
  folders: ["checkpoints"],
};

/** How links are treated, and what an error says. */
export interface PlacesOptions {
  /** The start of the error: "Cannot resume". */
  readonly doing: string;
  /** The user asked to write through links; what they lead to must be of the right kind. */
  readonly followLinks?: boolean;
  /** What a user can do about a link. */
  readonly hint?: string;
}

/** @throws {UserError} `config` for a link, or for what is no file or folder, at one of the places. */
export function requirePlaces(
  folder: string,
  { files, folders }: Places,
  { doing, followLinks = false, hint = "remove it, or put what it leads to in its place" }:
    PlacesOptions,
): void {
  const places = [
    ...files.map((name) => ({ name, need: "a file" })),
    ...folders.map((name) => ({ name, need: "a folder" })),
  ];
  for (const { name, need } of places) {
    const path = join(folder, name);
    const refuse = (state: string) =>
      new UserError("config", `${doing} ${folder}: need ${need} as ${name}: ${state}`);
    const found = look(path, followLinks);
    if (found === undefined || kindOf(found) === need) continue;
    if (!found.isSymlink) throw refuse(`it is ${kindOf(found)}`);
    throw refuse(`it is a symbolic link to ${Deno.readLinkSync(path)}; ${hint}`);
  }
}

/** Where a place lies that the user lets links lead to; else the place itself. */
export function placeOf(path: string, followLinks: boolean): string {
  if (!followLinks) return path;
  try {
    return Deno.realPathSync(path);
  } catch {
    return targetOf(path);
  }
}

/** Where a file would be made by a link whose folder is there; else the path: opening it says so. */
function targetOf(path: string): string {
  try {
    const to = resolve(dirname(path), Deno.readLinkSync(path));
    return join(Deno.realPathSync(dirname(to)), basename(to));
  } catch {
    return path; // Nothing lies there yet, or the disk of the link is not mounted.
  }
}

function look(path: string, followLinks: boolean): Deno.FileInfo | undefined {
  try {
    return followLinks ? Deno.statSync(path) : Deno.lstatSync(path);
  } catch (error) {
    if (hasCode(error, "ENOENT") || hasCode(error, "ENOTDIR")) return undefined;
    throw fileFault(error, { path, need: "a file or a folder" });
  }
}
