/** Looks up paths in the file system, synchronously. */
import { hasCode } from "../file_fault.ts";

/** How to look up a path. */
export interface PathLookup {
  /** Whether to follow a symbolic link at the path; default: look at the link itself. */
  readonly followLinks?: boolean;
  /** Which errors mean that nothing is there; default: ENOENT only. */
  readonly isAbsent?: (error: unknown) => boolean;
}

/** File info of a path; undefined if nothing is there. Throws errors for which `isAbsent` is false. */
export function statIfExists(
  path: string,
  { followLinks = false, isAbsent = (error) => hasCode(error, "ENOENT") }: PathLookup = {},
): Deno.FileInfo | undefined {
  try {
    return followLinks ? Deno.statSync(path) : Deno.lstatSync(path);
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

/** Whether something is at a path; false for any error, which opening the path then reports. */
export function pathExists(path: string, options: Pick<PathLookup, "followLinks"> = {}): boolean {
  return statIfExists(path, { ...options, isAbsent: () => true }) !== undefined;
}
