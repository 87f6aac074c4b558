/**
 * How commands of the owner reach a run that is going on: a socket in the run's folder of sockets,
 * and a file in its output folder that tells the owner alone where it is and with what token. Carries
 * commands and their answers; what they do is the run's matter.
 */
import { join } from "node:path";
import { fileFault, isMissing, withFileFaults } from "../../src/base/file_fault.ts";
import { kindOf } from "../../src/base/file_kind.ts";
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

/** What an owner can ask of a run. */
export interface ControlCommand {
  readonly type: "workers";
  readonly change: WorkersChange;
}

/** Where commands come from, and who serves them. */
export interface ControlOptions {
  /** The run's folder of sockets, of mode 0700. */
  readonly folder: string;
  /** The run's output folder. */
  readonly out: string;
  /** Serves a command and says in a line what was done; throws a Refusal to refuse it. */
  readonly command: (command: ControlCommand) => string | Promise<string>;
  /** Throws where the output folder belongs to another run now: its file is not touched. */
  readonly check?: () => void;
}

/** Name of the file in the output folder, mode 0600: JSON with the socket's path and a token. */
const FILE = ".control";
/** What a file that is being written ends in. */
const TEMP = ".tmp";
const NAMES = [FILE, `${FILE}${TEMP}`];
/** Bytes of the longest record: a socket's path and a token have fewer. */
const LONGEST = 4096;
/** A command line is one person: what it says of itself when it dials. */
const HELLO = { rank: 0, attempt: 0 };

/** Serves commands until closed, one answer for each. Closing removes the file and the socket. */
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
      tell(path, JSON.stringify({ socket, token: token.toBase64() }));
    });
  } catch (error) {
    gate.close();
    throw error;
  }
  // A run that is ended at once leaves no file that points to nobody.
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
 * Removes what a run that was killed left of its control; the caller holds the lock of `out`.
 * @throws {UserError} `config` for what no run wrote under those names: it is the user's.
 */
export function clearControl(out: string): void {
  const left = NAMES.map((name) => join(out, name)).filter(isLeft);
  for (const path of left) removeQuietly(path);
}

/**
 * Refuses what is not of a run under the names that control uses, before anything is written.
 * @throws {UserError} `config`, as `clearControl` does.
 */
export function requireControl(out: string): void {
  for (const name of NAMES) isLeft(join(out, name));
}

/** Whether a killed run left this; false where nothing lies. @throws {UserError} for anything else. */
function isLeft(path: string): boolean {
  const refuse = (state: string) =>
    new UserError("config", `Cannot use ${path}: need a free name for a run's control: ${state}`);
  return withFileFaults({ doing: "use", path }, () => {
    try {
      const found = Deno.lstatSync(path);
      // As at all names of files that are being written: what it leads to stays.
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

/** Whether a text is a record, or what a kill or a power cut leaves of one. */
function isOurs(text: string, path: string): boolean {
  if (/^\0*$/.test(text)) return true;
  try {
    const { socket, token, ...more } = Object(parseJsonText(text));
    const isRecord = typeof socket === "string" && typeof token === "string";
    return isRecord && Object.keys(more).length === 0;
  } catch {
    // Only the file that is renamed once it is whole can be cut short.
    return path.endsWith(TEMP) && text.startsWith('{"socket":"'.slice(0, text.length));
  }
}

/**
 * Sends a command to the run that is going on in `out`; gives its answer.
 * @throws {UserError} When no run is going on there, and for the run's own reasons.
 */
export async function sendControl(out: string, command: ControlCommand): Promise<string> {
  const { socket, token } = await whereabouts(out);
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

/** Answers one command, and leaves. */
async function serve(channel: Channel, command: ControlOptions["command"]): Promise<void> {
  try {
    const frame = await channel.receive();
    if (frame !== undefined) await channel.send(await answerTo(frame.header, command));
  } catch (error) {
    if (!(error instanceof ChannelError)) throw error; // who asked may be gone by now
  } finally {
    channel.close();
  }
}

async function answerTo(header: Header, command: ControlOptions["command"]): Promise<Header> {
  try {
    return { type: "done", text: await command(parseCommand(header)) };
  } catch (error) {
    // A bug in a command is told to who gave it: the run goes on.
    const exit = error instanceof UserError ? error.exit : "bug";
    return {
      type: "refused",
      exit,
      reason: error instanceof Error ? error.message : String(error),
    };
  }
}

/** The command in a header; one that was proven is from the owner, but maybe of another version. */
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

/** @throws {UserError} for what is no file: a named pipe would be waited for. */
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

async function whereabouts(out: string): Promise<{ socket: string; token: Uint8Array }> {
  const path = join(out, FILE);
  const text = await readFile(path).catch((error) => {
    if (error instanceof UserError) throw cannotReach(out, error.message);
    if (isMissing(error)) throw cannotReach(out, `there is no ${path}`);
    throw fileFault(error, { doing: "reach a run in", path: out });
  });
  try {
    const { socket, token } = Object(parseJsonText(text));
    const bytes = Uint8Array.fromBase64(token);
    // Proofs are keyed by the token: one of another length cannot be a run's, and none is no key.
    if (typeof socket === "string" && bytes.length === TOKEN_BYTES) return { socket, token: bytes };
  } catch {
    // Said below.
  }
  throw cannotReach(out, `${path} is damaged`);
}

/** Writes the file so that nobody else can read it, not even for a moment, nor see half of it. */
function tell(path: string, text: string): void {
  const temp = `${path}${TEMP}`;
  removeQuietly(temp); // what a killed process left; the run's lock keeps others out
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
    return; // It belongs to another run, or that cannot be known.
  }
  removeQuietly(path);
}

function removeQuietly(path: string): void {
  try {
    Deno.removeSync(path);
  } catch {
    // It is missing, or cannot be removed: neither changes the outcome of the run.
  }
}

function cannotReach(out: string, why: string): UserError {
  return new UserError("config", `Cannot reach a run in ${out}: none is going on there: ${why}`);
}
