/**
 * Starts worker processes with the fewest permissions they need: the sockets of this run and the
 * folders that they read. The token goes through stdin, whose end also ends a worker.
 */
import { join } from "node:path";
import { fileFault, withFileFaults, withFileFaultsAsync } from "../../src/base/file_fault.ts";
import { EXIT } from "../../src/base/user_error.ts";
import { CONFIG, READ_BY_IMPORTS } from "../../src/base/installed.ts";
import { warnText } from "../../src/base/text/say.ts";
import { atUnload } from "../../src/base/unload.ts";
import { cardOf } from "../../src/cards/pin.ts";
import { type Backend, selectBackend } from "../../src/device/backend.ts";
import { processMode } from "../../src/device/v8.ts";
import { openGate } from "../../src/transport/gate.ts";
import { LIBC_PATHS } from "../../src/transport/libc.ts";
import { keepUnix } from "../../src/transport/unix.ts";
import {
  changedFiles,
  type Code,
  codeAsBegun,
  codeOnDisk,
  hashesOf,
  MODULE_WORKER,
  moduleCodeAsBegun,
  WORKER,
} from "./code.ts";
import type { LaunchOptions, ProcessEvent, WorkerProcesses } from "./processes.ts";
import { removeDeadFolders } from "./dead_folders.ts";
import { relayLines } from "./lines.ts";
import { makeReachable, openSocketFolder } from "./socket_folder.ts";
import { DRIVER_VARIABLES } from "./variables.ts";
import { within, Words } from "./words.ts";

/** The line of JSON that a worker reads from its stdin. */
export interface WorkerStart {
  readonly folder: string;
  readonly id: number;
  readonly workerId: number;
  /** The run's token, base64. */
  readonly token: string;
  /** The backend that the environment names: a worker may not read its environment. */
  readonly backend: Backend;
  /** As in `CpuMode`. */
  readonly pairs: boolean;
}

/** Time for a worker to end by itself once its stdin is closed, ms. */
const PATIENCE = 2000;

/** Arguments of every child process: nothing is fetched, and no permission is prompted for. */
export const CHILD: readonly string[] = [
  "run",
  "--quiet",
  "--no-prompt",
  "--cached-only",
  "--frozen",
  CONFIG,
];

/** Path of the socket of the coordinator or of a worker slot. */
export function socketPath(folder: string, workerId: number | "coordinator"): string {
  return join(folder, workerId === "coordinator" ? "c.sock" : `w${workerId}.sock`);
}

/** Opens the worker processes of a run; there are none at first. */
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
  const socket = socketPath(folder, "coordinator");
  const listener = await keepUnix(socket, {
    prepare: () => {
      sockets.keep();
      // An error here is not about the program that is started next.
      withFileFaults({ doing: "make links in", path: folder }, () => {
        makeReachable(options.reads ?? [], folder);
      });
    },
  });
  opened.defer(() => listener.close());
  /** By worker: the files that had changed when its process was started. */
  const changed = new Map<number, Promise<readonly string[]>>();
  /**
   * The files that a worker may have loaded in another version than the run's: those that had changed
   * before or after it loaded its code.
   */
  const loaded = async (id: number): Promise<readonly string[]> => {
    const before = changed.get(id) ?? Promise.resolve([]);
    changed.delete(id);
    return Array.from(new Set([...await before, ...await changedCode(options.modules)]));
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
  // A worker that computes or compiles may notice the end of its stdin minutes later.
  const unload = opened.use(atUnload(() => {
    for (const { child } of children.values()) kill(child);
    sockets[Symbol.dispose]();
  }));
  await removeDeadFolders(folder);
  opened.move(); // from here on close() releases everything
  const mend = () =>
    withFileFaultsAsync({ doing: "make anew the socket", path: socket }, () => listener.mend());
  const begin = async (id: number, workerId: number) => {
    await mend();
    if (isClosed || dropped.has(id)) return;
    changed.set(id, changedCode(options.modules));
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
      gate.close();
      // A second signal may end this process while it waits for its children.
      await Promise.all(Array.from(children.values(), end));
      unload[Symbol.dispose]();
      sockets[Symbol.dispose]();
    },
  };
}

/** Files of a worker's code, those of the user's modules included, that changed since it was read. */
async function changedCode(modules: Code = new Map()): Promise<readonly string[]> {
  if (modules.size === 0) return changedFiles(await codeAsBegun(), await codeOnDisk());
  return [
    ...changedFiles(await moduleCodeAsBegun(), await codeOnDisk(MODULE_WORKER)),
    ...changedFiles(modules, await hashesOf(modules.keys())),
  ];
}

/** A process and its output. */
interface Started {
  readonly child: Deno.ChildProcess;
  readonly words: Words;
  /** Resolves when its stdout has ended. */
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
  { workerIds, workers, reads = [], modules = new Map(), cards = [], device, maps }: LaunchOptions,
): Started {
  const sockets = [socketPath(folder, "coordinator")];
  for (let peer = 0; peer < workerIds; peer++) sockets.push(socketPath(folder, peer));
  try {
    Deno.removeSync(socketPath(folder, workerId)); // of the worker that had this slot before
  } catch {
    // There was none.
  }
  const { flags, pairs } = processMode(device, Deno.version.deno);
  const child = new Deno.Command(binary, {
    args: [
      ...CHILD,
      ...flags === undefined ? [] : [`--v8-flags=${flags}`],
      `--allow-net=${sockets.map((path) => `unix:${path}`).join(",")}`,
      `--allow-read=${[folder, ...reads, ...modules.keys(), ...READ_BY_IMPORTS].join(",")}`,
      `--allow-write=${folder}`,
      ...maps ? [`--allow-ffi=${LIBC_PATHS.join(",")}`] : [],
      (modules.size === 0 ? WORKER : MODULE_WORKER).href,
    ],
    clearEnv: true,
    env: { XDG_RUNTIME_DIR: folder, ...environment(workers), ...cardOf(cards, workerId)?.pin },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const words = new Words(child.stderr);
  // Drivers and the runtime print contents of files and variables: warnText() makes them printable.
  const printed = relayLines(child.stdout, warnText).catch(() => {});
  const backend = selectBackend();
  const begin: WorkerStart = { folder, id, workerId, token: token.toBase64(), backend, pairs };
  const writer = child.stdin.getWriter();
  // A child that died at once closes the pipe: its exit is reported instead of this write.
  writer.write(new TextEncoder().encode(JSON.stringify(begin) + "\n")).catch(() => {});
  writer.releaseLock();
  return { child, words, printed };
}

/** Environment of a worker. Software drivers use all cores, so the workers of a machine share them. */
export function environment(workers: number): Record<string, string> {
  const threads = Math.max(1, Math.round(navigator.hardwareConcurrency / workers));
  return {
    LP_NUM_THREADS: String(threads),
    NO_COLOR: "1",
    ...passedEnvironment(),
  };
}

/** The variables that a process that computes inherits; a backend is always among them. */
export function passedEnvironment(): Record<string, string> {
  selectBackend();
  return Object.fromEntries(DRIVER_VARIABLES.flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  }));
}

/** Closes a worker's stdin, which ends it; kills it if it does not end in time. */
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
