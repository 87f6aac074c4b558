/**
 * Turns file and permission errors into one line that names the path and the remedy. Only this file
 * inspects system error codes. Deno's and Node's errors are treated alike, by code and name.
 */
import { constants, platform } from "node:os";
import { oneLine } from "./text/printable.ts";
import { type ExitName, UserError } from "./user_error.ts";

/** Remedy, actual state and exit code for a system error. */
interface Fault {
  readonly need: string;
  readonly state: string;
  readonly exit: ExitName;
}

const fault = (need: string, state: string, exit: ExitName = "config"): Fault => ({
  need,
  state,
  exit,
});

/** By errno name. */
const FAULTS: Readonly<Record<string, Fault>> = {
  ENOENT: fault("a path that exists", "there is none", "noInput"),
  ENOTDIR: fault("a path through folders", "a part of it is a file, not a folder", "noInput"),
  EISDIR: fault("a file", "it is a folder", "noInput"),
  ELOOP: fault("links that end", "they lead in a circle", "noInput"),
  ENAMETOOLONG: fault("a shorter path", "names have at most 255 bytes, and paths 4095"),
  EACCES: fault("permission for this user", "the system refuses it"),
  EPERM: fault("permission for this user", "the system refuses it"),
  EROFS: fault("a file system that can be written to", "it is read-only"),
  ENOSPC: fault("free space", "the disk is full; make room and run it again", "tooLarge"),
  EDQUOT: fault("free space", "the quota of this user is used up", "tooLarge"),
  EFBIG: fault("a file system for files of that size", "it allows smaller ones", "tooLarge"),
  EEXIST: fault("a free path", "something else is there"),
  ENOTEMPTY: fault("an empty folder", "it holds something"),
  EXDEV: fault("a path on the same file system", "it is on another"),
  EBUSY: fault("a path that is not in use", "the system uses it"),
  ETXTBSY: fault("a file that no program runs", "one runs it"),
  EINVAL: fault("a path that the system takes", "it refuses this one"),
  EIO: fault("a disk that works", "it reports an error of input or output"),
  ESTALE: fault("a network disk that answers", "the file is gone there"),
  ENXIO: fault("a file", "it is a device or a socket that nothing answers behind"),
  ENODEV: fault("a file", "it is a device that is not there"),
  ESPIPE: fault("a file", "it is a pipe or a device"),
  EAGAIN: fault("fewer processes of this user (ulimit -u)", "the system starts no more now"),
  EMFILE: fault("a higher limit of open files (ulimit -n)", "too many are open"),
  ENFILE: fault("fewer open files on this machine", "too many are open"),
  ENOLCK: fault("a file system with locks", "it has none"),
  ENOTSUP: fault("a file system that can do this", "it cannot"),
  EOPNOTSUPP: fault("a file system that can do this", "it cannot"),
  ENOSYS: fault("a file system that can do this", "it cannot"),
  ENOMEM: fault("free memory", "the system has none left", "tooLarge"),
};

/**
 * errno names by number. Deno gives few errors a code: for others, such as EDQUOT, only the message
 * has the number.
 */
const BY_NUMBER: ReadonlyMap<string, string> = new Map(
  platform() === "win32"
    ? []
    : Object.entries(constants.errno).map(([name, number]) => [String(number), name]),
);

/** Codes for a path that is missing or of the wrong kind. */
const WRONG = ["ENOENT", "ENOTDIR", "EISDIR", "EEXIST"];

/** Names of Deno's errors, for those that come without a code. */
const NAMES: Readonly<Record<string, string>> = {
  NotFound: "ENOENT",
  NotADirectory: "ENOTDIR",
  IsADirectory: "EISDIR",
  FilesystemLoop: "ELOOP",
  PermissionDenied: "EACCES",
  AlreadyExists: "EEXIST",
  NotSupported: "ENOTSUP",
};

const DEVICES = fault(
  "a path outside /dev, /proc and /sys",
  "Deno opens those only for programs with all permissions",
);
const EMPTY = fault("a path", "it is empty");
const ZERO = fault("a path without zero bytes", "it has one");

/** A UserError made from a file error of the operating system. */
export class FileFault extends UserError {}

/** The failed action, for the error message. */
export interface FileAction {
  /** The failed action as a verb: default "use". */
  readonly doing?: string;
  /** The path as the user wrote it; default: the one in the error. */
  readonly path?: string;
  /** The needed kind when the path is missing or of the wrong kind: "a text file". */
  readonly need?: string;
  /** Exit code when the path is missing or of the wrong kind. */
  readonly exit?: ExitName;
}

/**
 * The {@linkcode FileFault} for a file or permission error; any other value unchanged, UserErrors
 * included.
 */
export function fileFault(error: unknown, { doing, path, need, exit }: FileAction = {}): unknown {
  const code = codeOf(error);
  const found = faultOf(error, code);
  if (found === undefined) return error;
  const where = path ?? pathOf(error as Error);
  const isWrong = WRONG.includes(code ?? "");
  const needed = isWrong ? need ?? found.need : found.need;
  return new FileFault(
    found.exit === "noInput" ? exit ?? found.exit : found.exit,
    `Cannot ${doing ?? "use"} ${shown(where)}: need ${needed}: ${found.state}`,
  );
}

/**
 * The {@linkcode FileFault} for any system error of a write, with the system's message when the
 * code is not in the table; undefined for any other value.
 */
export function writingFault(error: unknown, doing: FileAction): FileFault | undefined {
  const known = fileFault(error, doing);
  if (known instanceof FileFault) return known;
  if (!isOfSystem(error)) return undefined;
  const where = shown(doing.path ?? pathOf(error));
  const said = error.message.replace(/ \(os error \d+\).*/s, "");
  return new FileFault("config", `Cannot ${doing.doing ?? "use"} ${where}: ${said}`);
}

/** Runs `work`; adds `path` to system errors that lack one. */
export function naming<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw named(error, path);
  }
}

/** The error, with `path` added if it is a system error without one. */
export function named(error: unknown, path: string): unknown {
  if (isOfSystem(error) && pathIn(error) === undefined) return Object.assign(error, { path });
  return error;
}

/** Whether this is a system error, in the table or not. */
function isOfSystem(error: unknown): error is Error {
  if (!(error instanceof Error)) return false;
  return numberOf(error) !== undefined || /^E[A-Z0-9]+$/.test(codeOf(error) ?? "");
}

/** Runs `work`; file and permission errors become UserErrors. */
export function withFileFaults<T>(doing: FileAction, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw fileFault(error, doing);
  }
}

/** As {@linkcode withFileFaults}, for asynchronous work. */
export async function withFileFaultsAsync<T>(
  doing: FileAction,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw fileFault(error, doing);
  }
}

/** Whether an error is ENOENT or ENOTDIR. */
export function isMissing(error: unknown): boolean {
  const code = codeOf(error);
  return code === "ENOENT" || code === "ENOTDIR";
}

/** Whether an error is a system error with this code. */
export function hasCode(error: unknown, code: string): boolean {
  return codeOf(error) === code;
}

/**
 * Short reason of a file error for a notice ("the disk is full..."); other errors: their message.
 */
export function reasonOf(error: unknown): string {
  const found = faultOf(error, codeOf(error));
  if (found !== undefined) return found.state;
  return error instanceof Error ? error.message : String(error);
}

function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || error instanceof UserError) return undefined;
  if ("code" in error && typeof error.code === "string") return error.code;
  return BY_NUMBER.get(numberOf(error) ?? "") ?? NAMES[error.name];
}

/** The errno in an error message. */
function numberOf({ message }: Error): string | undefined {
  return /\(os error (\d+)\)/.exec(message)?.[1];
}

function faultOf(error: unknown, code: string | undefined): Fault | undefined {
  if (!(error instanceof Error)) return undefined;
  if (error.name === "NotCapable") return deniedByDeno(error.message);
  if (error.message === "Empty path is not allowed") return EMPTY;
  if (code === "EINVAL" && error.message.includes("NUL byte")) return ZERO;
  if (code === "ERR_INVALID_ARG_VALUE" && error.message.includes("null bytes")) return ZERO;
  return code === undefined ? undefined : FAULTS[code];
}

/** A missing permission other than read or write is a bug of ours, not the user's error. */
function deniedByDeno(message: string): Fault | undefined {
  if (/^Requires all access/.test(message)) return DEVICES;
  const [, kind] = /^Requires (read|write) access/.exec(message) ?? [];
  return kind === undefined
    ? undefined
    : fault(`Deno's permission to ${kind} it (--allow-${kind})`, "this process has none");
}

function pathOf(error: Error): string {
  return pathIn(error) ?? "a file";
}

/** The path in an error: a property in Node's, quoted in the message of Deno's. */
function pathIn(error: Error): string | undefined {
  if ("path" in error && typeof error.path === "string") return error.path;
  const { message } = error;
  return /: \w+ '([^]*?)'(?: -> '[^]*')?$/.exec(message)?.[1] ??
    /access to "([^]*?)", run again/.exec(message)?.[1] ??
    /access to (<\w+>)/.exec(message)?.[1];
}

/** A path on one line, abbreviated beyond 300 characters. */
function shown(path: string): string {
  const line = oneLine(path);
  if (line === "") return '""';
  return line.length <= 300 ? line : `${line.slice(0, 140)}...${line.slice(-140)}`;
}
