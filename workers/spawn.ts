/**
 * Starts workers as processes of their own, each with the fewest permissions it needs: the
 * sockets of this run, and nothing else. Secrets go through stdin, which also tells a worker
 * that its coordinator is gone.
 */
import { join } from "node:path";
import { EXIT } from "../src/base/refusal.ts";
import { warnText } from "../src/base/say.ts";
import { atUnload } from "../src/base/unload.ts";
import { cardOf } from "../src/cards/pin.ts";
import { type Backend, BACKEND_VARIABLE, takeBackend } from "../src/device/backend.ts";
import { openGate } from "../src/transport/gate.ts";
import { bindUnix } from "../src/transport/unix.ts";
import type { Crew, CrewEvent, CrewOptions } from "./crew.ts";
import { relayLines } from "./lines.ts";
import { makeReachable, makeSocketFolder } from "./socket_folder.ts";

/** What a worker reads from its stdin: one line of JSON. */
export interface Seating {
  readonly folder: string;
  readonly id: number;
  readonly seat: number;
  /** The run's token, base64. */
  readonly token: string;
  /** What its environment names, which it may not read. */
  readonly backend: Backend;
}

/**
 * Variables that drivers and caches need, passed on when they are set. The task `train` in deno.json
 * allows exactly these.
 */
const PASSED = [
  "HOME",
  "DENO_DIR",
  "DENO_AUDIT_PERMISSIONS",
  "XDG_CACHE_HOME",
  "XDG_RUNTIME_DIR",
  "DRI_PRIME",
  "LP_NUM_THREADS",
  "VK_ICD_FILENAMES",
  "VK_DRIVER_FILES",
  "MESA_VK_DEVICE_SELECT",
  "MESA_SHADER_CACHE_DISABLE",
  BACKEND_VARIABLE,
  "LD_LIBRARY_PATH",
];

/** Milliseconds that a worker has to end by itself once its stdin is closed. */
const PATIENCE = 2000;

/** How a process of ours is begun: nothing is fetched, asked or granted but what its flags say. */
export const CHILD: readonly string[] = [
  "run",
  "--quiet",
  "--no-prompt",
  "--cached-only",
  "--frozen",
];

/** Path of the coordinator's socket, or of a seat's. */
export function socketPath(folder: string, seat: number | "coordinator"): string {
  return join(folder, seat === "coordinator" ? "c.sock" : `w${seat}.sock`);
}

/** Opens a crew of processes; it has none at first. */
export async function spawnCrew(
  options: CrewOptions,
  report: (event: CrewEvent) => void,
): Promise<Crew> {
  const folder = makeSocketFolder();
  const reads = makeReachable(options.reads ?? [], folder);
  const token = crypto.getRandomValues(new Uint8Array(32));
  const children = new Map<number, Deno.ChildProcess>();
  const awaited = new Set<number>();
  const relays = new Set<Promise<void>>();
  const listener = await bindUnix(socketPath(folder, "coordinator"));
  const gate = openGate(listener, {
    token,
    judge: ({ rank }) => awaited.has(rank) ? undefined : `needs a worker that was started: ${rank}`,
    admitted: (channel, { rank: id }) => {
      awaited.delete(id);
      report({ type: "joined", id, channel });
    },
  });
  // A worker that computes or compiles does not see that its stdin has ended, for minutes at worst.
  const unload = atUnload(() => {
    for (const child of children.values()) kill(child);
    Deno.removeSync(folder, { recursive: true });
  });
  return {
    folder,
    spawn(id, seat) {
      awaited.add(id);
      const child = start({ folder, id, seat, token }, { ...options, reads });
      children.set(id, child);
      // Drivers and the runtime print what files and variables hold: on a terminal it must be harmless.
      for (const stream of [child.stdout, child.stderr]) {
        const relay = relayLines(stream, warnText).finally(() => relays.delete(relay));
        relays.add(relay);
      }
      child.status.then(({ code, signal }) => {
        awaited.delete(id);
        children.delete(id);
        report({ type: "ended", id, why: reasonOf(code, signal), killed: signal !== null });
      });
    },
    signal(id, signal) {
      try {
        children.get(id)?.kill(signal);
      } catch {
        // It has ended meanwhile: its status says so.
      }
    },
    async close() {
      unload[Symbol.dispose]();
      gate.close();
      await Promise.all(Array.from(children.values(), end));
      await within(PATIENCE, Promise.all(relays));
      await Deno.remove(folder, { recursive: true }).catch(() => {});
    },
  };
}

function reasonOf(code: number, signal: Deno.Signal | null): string {
  if (signal !== null) return `its process was ended by ${signal}`;
  return code === EXIT.deviceLost ? "its GPU was lost" : `its process ended with code ${code}`;
}

function start(
  { folder, id, seat, token }: { folder: string; id: number; seat: number; token: Uint8Array },
  { seats, workers, reads = [], cards = [] }: CrewOptions,
): Deno.ChildProcess {
  const sockets = [socketPath(folder, "coordinator")];
  for (let peer = 0; peer < seats; peer++) sockets.push(socketPath(folder, peer));
  try {
    Deno.removeSync(socketPath(folder, seat)); // of who had this seat before
  } catch {
    // Nobody had.
  }
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...CHILD,
      `--allow-net=${sockets.map((path) => `unix:${path}`).join(",")}`,
      `--allow-read=${[folder, ...reads].join(",")}`,
      `--allow-write=${folder}`,
      new URL("./worker.ts", import.meta.url).href,
    ],
    clearEnv: true,
    env: { XDG_RUNTIME_DIR: folder, ...environment(workers), ...cardOf(cards, seat)?.pin },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const backend = takeBackend();
  const seating: Seating = { folder, id, seat, token: token.toBase64(), backend };
  const writer = child.stdin.getWriter();
  // A child that died at once closes the pipe: its exit is reported, not this write.
  writer.write(new TextEncoder().encode(JSON.stringify(seating) + "\n")).catch(() => {});
  writer.releaseLock();
  return child;
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
  takeBackend();
  return Object.fromEntries(PASSED.flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  }));
}

/** Closes a worker's stdin, which ends it; kills it if it does not heed that. */
async function end(child: Deno.ChildProcess): Promise<void> {
  await child.stdin.close().catch(() => {});
  const timer = setTimeout(() => kill(child), PATIENCE);
  await child.status;
  clearTimeout(timer);
}

/** Waits for `work`, at most `ms`: what a worker started may keep its streams open. */
async function within(ms: number, work: Promise<unknown>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  await Promise.race([work, promise]);
  clearTimeout(timer);
}

function kill(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch {
    // It has just ended.
  }
}
