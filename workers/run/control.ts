/**
 * Carries commands of the owner to a running process, and its answers back: over a socket in the run's
 * socket folder. A file of mode 0600 in the output folder holds the socket's path and a token.
 */
import { join } from "node:path";
import { fileFault, isMissing, withFileFaults } from "../../src/base/file_fault.ts";
import { kindOf } from "../../src/base/files/file_kind.ts";
import { atUnload } from "../../src/base/unload.ts";
import { parseJsonText } from "../../src/base/text/json.ts";
import { EXIT, type ExitName, UserError } from "../../src/base/user_error.ts";
import { writeAllSync } from "../../src/base/files/write_all.ts";
import { type Channel, ChannelError, type Header } from "../../src/transport/channel.ts";
import { openGate } from "../../src/transport/gate.ts";
import { greet, TOKEN_BYTES } from "../../src/transport/handshake.ts";
import { dialUnix, keepUnix } from "../../src/transport/unix.ts";

/** A change of the number of workers. */
export type WorkersChange =
  | { readonly set: number }
  | { readonly add: number }
  | { readonly remove: number };

/** A command to a run. */
export interface ControlCommand {
  readonly type: "workers";
  readonly change: WorkersChange;
}

/** Where commands arrive, and the handler that serves them. */
export interface ControlOptions {
  /** The run's folder of sockets, of mode 0700. */
  readonly folder: string;
  /** The run's output folder. */
  readonly out: string;
  /** Serves a command and returns a line with what was done; throws UserError to refuse it. */
  readonly command: (command: ControlCommand) => string | Promise<string>;
  /** Throws where the output folder belongs to another run by now: its file is not touched. */
  readonly check?: () => void;
}

/** Name of the file in the output folder, mode 0600: JSON with the socket's path and a token. */
const FILE = ".control";
/** Suffix of a file that is being written. */
const TEMP = ".tmp";
const NAMES = [FILE, `${FILE}${TEMP}`];
/** Limit of the file's size: a socket's path and a token need less. */
const LONGEST = 4096;
/** Rank and attempt that a command sends in the handshake: they mean nothing here. */
const HELLO = { rank: 0, attempt: 0 };

/** Serves commands until it is closed. Closing removes the file and the socket. */
export async function openControl(
  { folder, out, command, check }: ControlOptions,
): Promise<{ close(): void }> {
  const socket = join(folder, "control.sock");
  const token = crypto.getRandomValues(new Uint8Array(TOKEN_BYTES));
  const inside = new Set<Channel>();
  const gate = openGate(await keepUnix(socket), {
    token,
    maxPayload: 0,
    admitted(channel) {
      inside.add(channel);
      serve(channel, command).finally(() => inside.delete(channel));
    },
  });
  const path = join(out, FILE);
  try {
    check?.();
    withFileFaults({ doing: "write", path }, () => {
      writeControlFile(path, JSON.stringify({ socket, token: token.toBase64() }));
    });
  } catch (error) {
    gate.close();
    throw error;
  }
  // A run that is ended at once leaves no file that points to a dead socket.
  const remove = () => removeIfOwn(path, check);
  const unload = atUnload(remove);
  return {
    close() {
      unload[Symbol.dispose]();
      gate.close();
      for (const channel of inside) channel.close();
      remove();
    },
  };
}

/**
 * Removes the control files of a run that was killed; the caller holds the lock of `out`.
 * @throws {UserError} `config` for files of these names that no run wrote: they are the user's.
 */
export function clearControl(out: string): void {
  const left = NAMES.map((name) => join(out, name)).filter(isLeft);
  for (const path of left) removeQuietly(path);
}

/**
 * Refuses other files under the names that control uses, before anything is written.
 * @throws {UserError} `config`, as `clearControl` does.
 */
export function requireControl(out: string): void {
  for (const name of NAMES) isLeft(join(out, name));
}

/** Whether a killed run left this file; false if there is none. @throws {UserError} for any other. */
function isLeft(path: string): boolean {
  const refuse = (state: string) =>
    new UserError("config", `Cannot use ${path}: need a free name for a run's control: ${state}`);
  return withFileFaults({ doing: "use", path }, () => {
    try {
      const found = Deno.lstatSync(path);
      // As for all files that are being written, the link is removed and its target stays.
      if (found.isSymlink && path.endsWith(TEMP)) return true;
      if (!found.isFile) throw refuse(`it is ${kindOf(found)}; move it away`);
      if (found.size <= LONGEST && isOurs(Deno.readTextFileSync(path), path)) return true;
      throw refuse("it holds something else; move it away");
    } catch (error) {
      if (isMissing(error)) return false;
      throw error;
    }
  });
}

/** Whether a text is a control file's, possibly cut short by a kill or a power cut. */
function isOurs(text: string, path: string): boolean {
  if (/^\0*$/.test(text)) return true;
  try {
    const { socket, token, ...more } = Object(parseJsonText(text));
    const isRecord = typeof socket === "string" && typeof token === "string";
    return isRecord && Object.keys(more).length === 0;
  } catch {
    // Only the temporary file can be cut short.
    return path.endsWith(TEMP) && text.startsWith('{"socket":"'.slice(0, text.length));
  }
}

/**
 * Sends a command to the run in `out`; returns its answer.
 * @throws {UserError} when no run is going on there, and when the run refuses the command.
 */
export async function sendControl(out: string, command: ControlCommand): Promise<string> {
  const { socket, token } = await readControlFile(out);
  const channel = await dialUnix(socket, { attempt: HELLO.attempt, maxPayload: 0 }).catch(() => {
    throw cannotReach(out, `its last one was killed and left ${join(out, FILE)}`);
  });
  try {
    await greet(channel, HELLO, { token });
    await channel.send({ ...command });
    const answer = (await channel.receive())?.header;
    if (answer === undefined) throw cannotReach(out, "it ended before it answered");
    return textOf(answer);
  } catch (error) {
    if (error instanceof ChannelError) throw cannotReach(out, error.message);
    throw error;
  } finally {
    channel.close();
  }
}

/** Answers one command and closes the channel. */
async function serve(channel: Channel, command: ControlOptions["command"]): Promise<void> {
  try {
    const frame = await channel.receive();
    if (frame !== undefined) await channel.send(await answerTo(frame.header, command));
  } catch (error) {
    if (!(error instanceof ChannelError)) throw error; // the sender may be gone by now
  } finally {
    channel.close();
  }
}

async function answerTo(header: Header, command: ControlOptions["command"]): Promise<Header> {
  try {
    return { type: "done", text: await command(parseCommand(header)) };
  } catch (error) {
    // A bug in a command is reported to its sender: the run goes on.
    const exit = error instanceof UserError ? error.exit : "bug";
    return {
      type: "refused",
      exit,
      reason: error instanceof Error ? error.message : String(error),
    };
  }
}

/** The command in a header. It is authenticated, but may be of another version. */
function parseCommand({ type, change }: Header): ControlCommand {
  if (type === "workers" && typeof change === "object" && change !== null) {
    const [entry, ...more] = Object.entries(change);
    const [key, n] = entry ?? [];
    const isCount = Number.isSafeInteger(n) && Number(n) >= 1;
    if (isCount && more.length === 0 && ["set", "add", "remove"].includes(String(key))) {
      return { type, change: change as unknown as WorkersChange };
    }
  }
  throw new UserError("config", "Cannot serve a command: needs one that this version knows");
}

/** @throws {UserError} for anything but a file: reading a named pipe would block. */
async function readFile(path: string): Promise<string> {
  const found = await Deno.stat(path);
  if (found.isFile) return await Deno.readTextFile(path);
  throw new UserError("config", `${path} is ${kindOf(found)}`);
}

function textOf(answer: Header): string {
  const { type, text, exit, reason } = answer;
  if (type === "done" && typeof text === "string") return text;
  if (type === "refused" && typeof reason === "string") {
    throw new UserError(String(exit) in EXIT ? exit as ExitName : "config", reason);
  }
  throw new ChannelError(`Cannot read an answer: needs done or refused: got ${type}`);
}

async function readControlFile(out: string): Promise<{ socket: string; token: Uint8Array }> {
  const path = join(out, FILE);
  const text = await readFile(path).catch((error) => {
    if (error instanceof UserError) throw cannotReach(out, error.message);
    if (isMissing(error)) throw cannotReach(out, `there is no ${path}`);
    throw fileFault(error, { doing: "reach a run in", path: out });
  });
  try {
    const { socket, token } = Object(parseJsonText(text));
    const bytes = Uint8Array.fromBase64(token);
    // The token is the key of the handshake: one of another length cannot be a run's.
    if (typeof socket === "string" && bytes.length === TOKEN_BYTES) return { socket, token: bytes };
  } catch {
    // reported below
  }
  throw cannotReach(out, `${path} is damaged`);
}

/** Writes the file atomically and readable by its owner alone from the start. */
function writeControlFile(path: string, text: string): void {
  const temp = `${path}${TEMP}`;
  removeQuietly(temp); // of a killed process: the run's lock keeps others out
  using file = Deno.openSync(temp, { write: true, createNew: true, mode: 0o600 });
  try {
    writeAllSync(file, new TextEncoder().encode(text + "\n"));
    Deno.renameSync(temp, path);
  } catch (error) {
    removeQuietly(temp);
    throw error;
  }
}

function removeIfOwn(path: string, check: ControlOptions["check"]): void {
  try {
    check?.();
  } catch {
    return; // it belongs to another run, or that cannot be determined
  }
  removeQuietly(path);
}

function removeQuietly(path: string): void {
  try {
    Deno.removeSync(path);
  } catch {
    // Missing or not removable: neither changes the outcome of the run.
  }
}

function cannotReach(out: string, why: string): UserError {
  return new UserError("config", `Cannot reach a run in ${out}: none is going on there: ${why}`);
}
