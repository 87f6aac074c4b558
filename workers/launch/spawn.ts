/**
 * Starts workers as processes of their own, each with the fewest permissions it needs: the
 * sockets of this run, and nothing else. Secrets go through stdin, which also tells a worker
 * that its coordinator is gone.
 */
import { join } from "node:path";
import { fileFault, withFileFaults, withFileFaultsAsync } from "../../src/base/file_fault.ts";
import { EXIT } from "../../src/base/user_error.ts";
import { CONFIG, READ_BY_IMPORTS } from "../../src/base/installed.ts";
import { warnText } from "../../src/base/text/say.ts";
import { atUnload } from "../../src/base/unload.ts";
import { cardOf } from "../../src/cards/pin.ts";
import { type Backend, selectBackend } from "../../src/device/backend.ts";
import { openGate } from "../../src/transport/gate.ts";
import { keepUnix, LOOK_MS } from "../../src/transport/unix.ts";
import { changedFiles, codeAsBegun, codeOnDisk, WORKER } from "./code.ts";
import type { LaunchOptions, ProcessEvent, WorkerProcesses } from "./processes.ts";
import { removeDeadFolders } from "./dead_folders.ts";
import { relayLines } from "./lines.ts";
import { makeReachable, openSocketFolder } from "./socket_folder.ts";
import { DRIVER_VARIABLES } from "./variables.ts";
import { within, Words } from "./words.ts";

/** What a worker reads from its stdin: one line of JSON. */
export interface WorkerStart {
  readonly folder: string;
  readonly id: number;
  readonly workerId: number;
  /** The run's token, base64. */
  readonly token: string;
  /** What its environment names, which it may not read. */
  readonly backend: Backend;
}

/** Milliseconds that a worker has to end by itself once its stdin is closed. */
const PATIENCE = 2000;

/** How a process of ours is begun: nothing is fetched, asked or granted but what its flags say. */
export const CHILD: readonly string[] = [
  "run",
  "--quiet",
  "--no-prompt",
  "--cached-only",
  "--frozen",
  CONFIG,
];

/** Path of the coordinator's socket, or of a worker slot's. */
export function socketPath(folder: string, workerId: number | "coordinator"): string {
  return join(folder, workerId === "coordinator" ? "c.sock" : `w${workerId}.sock`);
}

/** Opens a crew of processes; it has none at first. */
export async function spawnWorkers(
  options: LaunchOptions,
  report: (event: ProcessEvent) => void,
): Promise<WorkerProcesses> {
  using opened = new DisposableStack();
  const sockets = opened.use(openSocketFolder());
  const { path: folder } = sockets;
  const token = crypto.getRandomValues(new Uint8Array(32));
  const children = new Map<number, Started>();
  const awaited = new Set<number>();
  // Workers that were killed before their processes were started.
  const dropped = new Set<number>();
  let isClosed = false;
  // If the binary is replaced during the run, execPath() gives another path ("... (deleted)").
  const binary = Deno.execPath();
  const reads = makeReachable(options.reads ?? [], folder);
  const listener = await keepUnix(socketPath(folder, "coordinator"));
  opened.defer(() => listener.close());
  /** Of each worker the files that had changed when its process was started. */
  const changed = new Map<number, Promise<readonly string[]>>();
  /**
   * Of a worker that has loaded its code, or has failed to, the files that may not be as the run began
   * with them: what was the same before and after is what it loaded.
   */
  const loaded = async (id: number): Promise<readonly string[]> => {
    const before = changed.get(id) ?? Promise.resolve([]);
    changed.delete(id);
    return Array.from(new Set([...await before, ...await changedCode()]));
  };
  const gate = openGate(listener, {
    token,
    judge: ({ rank }) => awaited.has(rank) ? undefined : `needs a worker that was started: ${rank}`,
    admitted: async (channel, { rank: id }) => {
      awaited.delete(id);
      children.get(id)?.words.show();
      const files = await loaded(id);
      if (isClosed) return channel.close();
      report({ type: "joined", id, channel, changed: files });
    },
  });
  // A worker that computes or compiles does not see that its stdin has ended, for minutes at worst.
  const unload = opened.use(atUnload(() => {
    for (const { child } of children.values()) kill(child);
    sockets[Symbol.dispose]();
  }));
  await removeDeadFolders(folder);
  opened.move(); // From here on close() releases all of it.
  const mend = async () => {
    sockets.keep();
    // What is missing here is not the program that is started next.
    withFileFaults({ doing: "make links in", path: folder }, () => {
      makeReachable(options.reads ?? [], folder);
    });
    const path = socketPath(folder, "coordinator");
    await withFileFaultsAsync({ doing: "make anew the socket", path }, () => listener.mend());
  };
  // If this fails, the next start or formation reports why.
  const looking = setInterval(() => mend().catch(() => {}), LOOK_MS);
  Deno.unrefTimer(looking);
  const begin = async (id: number, workerId: number) => {
    await mend();
    if (isClosed || dropped.has(id)) return;
    changed.set(id, changedCode());
    const started = start({ binary, folder, id, workerId, token }, { ...options, reads });
    children.set(id, started);
    const { code, signal } = await started.child.status;
    const hasJoined = !awaited.delete(id);
    children.delete(id);
    const why = reasonOf(code, signal);
    const cause = hasJoined ? "" : await started.words.cause();
    // Code that no longer loads ends a process before it can join.
    const files = hasJoined ? [] : await loaded(id);
    report({
      type: "ended",
      id,
      why: cause === "" ? why : `${why}: ${cause}`,
      killed: signal !== null,
      changed: files,
    });
  };
  return {
    folder,
    mend,
    spawn(id, workerId) {
      awaited.add(id);
      begin(id, workerId).catch((error) => {
        awaited.delete(id);
        const { message } = fileFault(error, { doing: "run", path: binary }) as Error;
        report({ type: "ended", id, why: message, killed: false });
      });
    },
    signal(id, signal) {
      if (signal === "SIGKILL") dropped.add(id);
      try {
        children.get(id)?.child.kill(signal);
      } catch {
        // It has ended meanwhile: its status says so.
      }
    },
    async close() {
      isClosed = true;
      clearInterval(looking);
      gate.close();
      // A second signal may end this process while it waits for them.
      await Promise.all(Array.from(children.values(), end));
      unload[Symbol.dispose]();
      sockets[Symbol.dispose]();
    },
  };
}

/** Files of a worker's code that are not as this process began with them. */
async function changedCode(): Promise<readonly string[]> {
  return changedFiles(await codeAsBegun(), await codeOnDisk());
}

/** A process, and what it says. */
interface Started {
  readonly child: Deno.ChildProcess;
  readonly words: Words;
  /** Over once its stdout has ended. */
  readonly printed: Promise<void>;
}

function reasonOf(code: number, signal: Deno.Signal | null): string {
  if (signal !== null) return `its process was ended by ${signal}`;
  return code === EXIT.deviceLost ? "its GPU was lost" : `its process ended with code ${code}`;
}

function start(
  { binary, folder, id, workerId, token }: {
    binary: string;
    folder: string;
    id: number;
    workerId: number;
    token: Uint8Array;
  },
  { workerIds, workers, reads = [], cards = [] }: LaunchOptions,
): Started {
  const sockets = [socketPath(folder, "coordinator")];
  for (let peer = 0; peer < workerIds; peer++) sockets.push(socketPath(folder, peer));
  try {
    Deno.removeSync(socketPath(folder, workerId)); // of who had this worker slot before
  } catch {
    // Nobody had.
  }
  const child = new Deno.Command(binary, {
    args: [
      ...CHILD,
      `--allow-net=${sockets.map((path) => `unix:${path}`).join(",")}`,
      `--allow-read=${[folder, ...reads, ...READ_BY_IMPORTS].join(",")}`,
      `--allow-write=${folder}`,
      WORKER.href,
    ],
    clearEnv: true,
    env: { XDG_RUNTIME_DIR: folder, ...environment(workers), ...cardOf(cards, workerId)?.pin },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const words = new Words(child.stderr);
  // Drivers and the runtime print what files and variables hold: on a terminal it must be harmless.
  const printed = relayLines(child.stdout, warnText).catch(() => {});
  const backend = selectBackend();
  const seating: WorkerStart = { folder, id, workerId, token: token.toBase64(), backend };
  const writer = child.stdin.getWriter();
  // A child that died at once closes the pipe: its exit is reported, not this write.
  writer.write(new TextEncoder().encode(JSON.stringify(seating) + "\n")).catch(() => {});
  writer.releaseLock();
  return { child, words, printed };
}

/** Variables of a worker. Software drivers use all cores: workers of one machine share them. */
export function environment(workers: number): Record<string, string> {
  const threads = Math.max(1, Math.round(navigator.hardwareConcurrency / workers));
  return {
    LP_NUM_THREADS: String(threads),
    NO_COLOR: "1",
    ...passedEnvironment(),
  };
}

/** What a process that computes is told of this one's variables: always a backend. */
export function passedEnvironment(): Record<string, string> {
  selectBackend();
  return Object.fromEntries(DRIVER_VARIABLES.flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  }));
}

/** Closes a worker's stdin, which ends it; kills it if it does not heed that. */
async function end({ child, words, printed }: Started): Promise<void> {
  await child.stdin.close().catch(() => {});
  const timer = setTimeout(() => kill(child), PATIENCE);
  await child.status;
  clearTimeout(timer);
  await words.end();
  await within(PATIENCE, printed);
}

function kill(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch {
    // It has just ended.
  }
}
