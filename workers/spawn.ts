/**
 * Starts workers as processes of their own, each with the fewest permissions it needs: the
 * sockets of this run, and nothing else. Secrets go through stdin, which also tells a worker
 * that its coordinator is gone.
 */
import { join } from "node:path";
import { admit } from "../src/transport/handshake.ts";
import type { Channel } from "../src/transport/channel.ts";
import { listenUnix } from "../src/transport/unix.ts";
import type { Crew } from "./crew.ts";

/** What a worker reads from its stdin: one line of JSON. */
export interface Seating {
  readonly folder: string;
  readonly rank: number;
  readonly world: number;
  readonly attempt: number;
  /** The run's token, base64. */
  readonly token: string;
}

/** Variables that drivers and caches need, passed on when they are set. */
const PASSED = [
  "HOME",
  "DENO_DIR",
  "XDG_CACHE_HOME",
  "XDG_RUNTIME_DIR",
  "DRI_PRIME",
  "LP_NUM_THREADS",
  "VK_ICD_FILENAMES",
  "VK_DRIVER_FILES",
  "MESA_VK_DEVICE_SELECT",
  "MESA_SHADER_CACHE_DISABLE",
  "DENO_WEBGPU_BACKEND",
  "LD_LIBRARY_PATH",
];

/** Milliseconds for a process to start and prove itself. */
const START_DEADLINE = 30_000;

/** Path of the coordinator's socket, or of a worker's. */
export function socketPath(folder: string, rank: number | "coordinator"): string {
  return join(folder, rank === "coordinator" ? "c.sock" : `w${rank}.sock`);
}

/** Starts `world` processes and waits until all have proven who they are. */
export async function spawnWorkers(world: number): Promise<Crew> {
  const folder = await Deno.makeTempDir({ prefix: "shoal-" });
  const token = crypto.getRandomValues(new Uint8Array(32));
  const listener = await listenUnix(socketPath(folder, "coordinator"), { attempt: 0 });
  const children = Array.from(
    { length: world },
    (_, rank) => start({ folder, rank, world, token }),
  );
  const channels: (Channel | undefined)[] = new Array(world).fill(undefined);
  const close = async () => {
    channels.forEach((channel) => channel?.close());
    listener.close();
    await Promise.all(children.map(end));
    await Deno.remove(folder, { recursive: true }).catch(() => {});
  };
  try {
    const admitted = async () => {
      for (let i = 0; i < world; i++) {
        const channel = await listener.accept();
        const { rank } = await admit(channel, { token, deadline: START_DEADLINE });
        channels[rank] = channel;
      }
    };
    await Promise.race([admitted(), ...children.map(early)]);
  } catch (error) {
    await close();
    throw error;
  }
  return { channels: channels as Channel[], close };
}

function start(
  { folder, rank, world, token }: {
    folder: string;
    rank: number;
    world: number;
    token: Uint8Array;
  },
): Deno.ChildProcess {
  const sockets = [socketPath(folder, "coordinator")];
  for (let peer = 0; peer < world; peer++) sockets.push(socketPath(folder, peer));
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--no-prompt",
      "--cached-only",
      `--allow-net=${sockets.map((path) => `unix:${path}`).join(",")}`,
      `--allow-read=${folder}`,
      `--allow-write=${folder}`,
      new URL("./worker.ts", import.meta.url).href,
    ],
    clearEnv: true,
    env: environment(world, folder),
    stdin: "piped",
    stdout: "inherit",
    stderr: "inherit",
  }).spawn();
  const seating: Seating = {
    folder,
    rank,
    world,
    attempt: 0,
    token: btoa(String.fromCharCode(...token)),
  };
  const writer = child.stdin.getWriter();
  // A child that died at once closes the pipe: its exit is reported, not this write.
  writer.write(new TextEncoder().encode(JSON.stringify(seating) + "\n")).catch(() => {});
  writer.releaseLock();
  return child;
}

/** Software drivers use all cores: workers of one machine share them. */
function environment(world: number, folder: string): Record<string, string> {
  const threads = Math.max(1, Math.floor(navigator.hardwareConcurrency / world));
  const passed = PASSED.flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  });
  return {
    XDG_RUNTIME_DIR: folder,
    LP_NUM_THREADS: String(threads),
    NO_COLOR: "1",
    ...Object.fromEntries(passed),
  };
}

/** Rejects when a process ends. */
async function early(child: Deno.ChildProcess, rank: number): Promise<never> {
  const { code } = await child.status;
  throw new Error(`Cannot start worker ${rank}: its process ended with code ${code}`);
}

/** Closes a worker's stdin, which ends it; kills it if it does not heed that. */
async function end(child: Deno.ChildProcess): Promise<void> {
  await child.stdin.close().catch(() => {});
  const timer = setTimeout(() => child.kill("SIGKILL"), 2000);
  await child.status;
  clearTimeout(timer);
}
