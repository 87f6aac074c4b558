/**
 * Checks the kinds of the paths that a command writes to. An output folder may come from another
 * user: a symbolic link in it could redirect a write to any file of this user, and opening a named
 * pipe blocks forever. Readers follow links; writers do so only if the user asks for it.
 */
import { basename, dirname, join, resolve } from "node:path";
import { fileFault, hasCode } from "../base/file_fault.ts";
import { kindOf } from "../base/files/file_kind.ts";
import { UserError } from "../base/user_error.ts";

/** Names in a folder that must be files, or folders, if they exist. */
export interface PathKinds {
  readonly files: readonly string[];
  readonly folders: readonly string[];
}

/** The fixed names that a run writes to. */
export const RUN_PATHS: PathKinds = {
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

/** Treatment of links, and the words of an error. */
export interface PathKindOptions {
  /** The start of the error: "Cannot resume". */
  readonly doing: string;
  /** Write through links; their targets must be of the right kind. */
  readonly followLinks?: boolean;
  /** What the user can do about a link. */
  readonly hint?: string;
}

/** @throws {UserError} `config` if a name is a link, or of another kind than it must be. */
export function requirePathKinds(
  folder: string,
  { files, folders }: PathKinds,
  { doing, followLinks = false, hint = "remove it, or put what it leads to in its place" }:
    PathKindOptions,
): void {
  const places = [
    ...files.map((name) => ({ name, need: "a file" })),
    ...folders.map((name) => ({ name, need: "a folder" })),
  ];
  for (const { name, need } of places) {
    const path = join(folder, name);
    const refuse = (state: string) =>
      new UserError("config", `${doing} ${folder}: need ${need} as ${name}: ${state}`);
    const found = statIfThere(path, followLinks);
    if (found === undefined || kindOf(found) === need) continue;
    if (!found.isSymlink) throw refuse(`it is ${kindOf(found)}`);
    throw refuse(`it is a symbolic link to ${Deno.readLinkSync(path)}; ${hint}`);
  }
}

/** The target of `path` if links are followed; else `path`. */
export function resolveOutput(path: string, followLinks: boolean): string {
  if (!followLinks) return path;
  try {
    return Deno.realPathSync(path);
  } catch {
    return targetOf(path);
  }
}

/**
 * The file that a dangling link would create, if its folder exists; else `path`, whose opening
 * fails.
 */
function targetOf(path: string): string {
  try {
    const to = resolve(dirname(path), Deno.readLinkSync(path));
    return join(Deno.realPathSync(dirname(to)), basename(to));
  } catch {
    return path; // There is no such path yet, or the disk of the link is not mounted.
  }
}

function statIfThere(path: string, followLinks: boolean): Deno.FileInfo | undefined {
  try {
    return followLinks ? Deno.statSync(path) : Deno.lstatSync(path);
  } catch (error) {
    if (hasCode(error, "ENOENT") || hasCode(error, "ENOTDIR")) return undefined;
    throw fileFault(error, { path, need: "a file or a folder" });
  }
}
