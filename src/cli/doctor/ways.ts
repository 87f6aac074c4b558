/** Measures the throughput of a Unix socket to another process, and of a disk. */
import { dirname, join, resolve } from "node:path";
import { fileFault, isMissing } from "../../base/file_fault.ts";
import { UserError } from "../../base/user_error.ts";
import { atUnload } from "../../base/unload.ts";
import { writeAll } from "../../base/files/write_all.ts";
import { freeBytes } from "../../checkpoint/space.ts";
import { listenUnix } from "../../transport/unix.ts";
import { removeDeadFolders } from "../../../workers/launch/dead_folders.ts";
import { openSocketFolder } from "../../../workers/launch/socket_folder.ts";
import { CHILD } from "../../../workers/launch/spawn.ts";
import { openScratch } from "../scratch.ts";
import type { DiskFacts, Failure } from "./facts.ts";

/** Bytes of a frame, how many are sent, and bytes of a file. */
const FRAME = 16 * 2 ** 20;
const FRAMES = 16;
const FILE = 64 * 2 ** 20;

/** An error as a finding; an unexpected one would end a run as a bug. */
export function failureOf(error: unknown, exit: Failure["exit"] = "bug"): Failure {
  const known = fileFault(error);
  const message = known instanceof Error ? known.message : String(known);
  return {
    message: message.split("\n")[0] ?? "",
    exit: known instanceof UserError ? known.exit : exit,
  };
}

/** Bytes per second through a socket in a temporary folder, as workers' are, to another process. */
export async function socketSpeed(): Promise<{ bytesPerSecond: number }> {
  const sockets = openSocketFolder();
  using _scratch = openScratch(sockets.path, () => sockets[Symbol.dispose]());
  await removeDeadFolders(sockets.path);
  const path = join(sockets.path, "doctor.sock");
  const listener = await listenUnix(path, { attempt: 0 });
  try {
    return { bytesPerSecond: await throughput(path, () => listener.accept()) };
  } finally {
    listener.close();
  }
}

type Listener = Awaited<ReturnType<typeof listenUnix>>;

async function throughput(path: string, accept: Listener["accept"]): Promise<number> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...CHILD,
      `--allow-net=unix:${path}`,
      `--allow-read=${dirname(path)}`,
      `--allow-write=${dirname(path)}`,
      new URL("./echo.ts", import.meta.url).href,
      path,
    ],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const output = child.output();
  // A child that cannot start never dials.
  const channel = await Promise.race([
    accept(),
    output.then(({ stderr }) => {
      throw new Error(`no worker could start: ${new TextDecoder().decode(stderr).trim()}`);
    }),
  ]);
  try {
    const payload = new Uint8Array(FRAME).fill(7);
    const send = async (frames: number) => {
      for (let i = 0; i < frames; i++) await channel.send({ type: "bytes" }, payload);
      await channel.send({ type: "ask" });
      await channel.receive();
    };
    await send(2);
    const start = performance.now();
    await send(FRAMES);
    return 1000 * FRAME * FRAMES / (performance.now() - start);
  } finally {
    channel.close();
    await output;
  }
}

/** Room in a folder, or in the first one above it that exists, and how fast a synced file gets there. */
export async function diskFacts(out: string): Promise<DiskFacts> {
  const folder = existing(resolve(out));
  const path = await Deno.makeTempFile({ dir: folder, prefix: ".shoal-doctor-" });
  using _unload = atUnload(() => Deno.removeSync(path));
  try {
    const free = freeBytes(folder);
    const piece = new Uint8Array(2 ** 22).fill(7);
    const bytes = Math.min(FILE, Math.max(piece.length, Math.floor(free / 4)));
    using file = await Deno.open(path, { write: true });
    const start = performance.now();
    let written = 0;
    for (; written < bytes; written += piece.length) await writeAll(file, piece);
    await file.sync();
    const bytesPerSecond = 1000 * written / (performance.now() - start);
    return { folder, freeBytes: free, bytesPerSecond };
  } finally {
    await Deno.remove(path).catch(() => {}); // what failed before is what is told
  }
}

/** The nearest folder at or above a path. @throws {UserError} `config` where a file is in the way. */
function existing(path: string): string {
  for (let at = path;; at = dirname(at)) {
    try {
      if (Deno.statSync(at).isDirectory) return at;
    } catch (error) {
      // ENOTDIR: an ancestor is a file; the next level up reports it.
      if (!isMissing(error) || at === dirname(at)) throw error;
      continue;
    }
    throw new UserError("config", `Cannot write to ${path}: need a folder: ${at} is a file`);
  }
}
