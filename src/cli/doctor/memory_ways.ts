/**
 * Measures how fast memory is shared with another process: through a file, and mapped. What is mapped
 * is measured by a process of its own, which alone may call the C library.
 */
import { join } from "node:path";
import { LIBC_PATHS } from "../../transport/libc.ts";
import { OwnRegion, PeerRegion, type Placed } from "../../transport/region.ts";
import { openSocketFolder } from "../../../workers/launch/socket_folder.ts";
import { CHILD } from "../../../workers/launch/spawn.ts";
import { openScratch } from "../scratch.ts";

/** Bytes that are shared, and how often. */
export const SHARED = 2 ** 20;
const ROUNDS = 64;

/**
 * Bytes per second through a file in the folder of sockets: one process writes it while another reads
 * it, so the slower of the two counts.
 */
export function fileSpeed(): Promise<{ bytesPerSecond: number }> {
  const sockets = openSocketFolder();
  using _scratch = openScratch(sockets.path, () => sockets[Symbol.dispose]());
  const path = join(sockets.path, "region-0-0");
  using own = OwnRegion.create(path, 4 * SHARED);
  using peer = PeerRegion.open(path);
  if (own === undefined || peer === undefined) {
    throw new Error("no room for a file in the folder of sockets (TMPDIR)");
  }
  own.unlink();
  const bytes = new Uint8Array(SHARED).fill(7);
  const placed = [0, 1, 2, 3].map((place) => own.put(place * SHARED, bytes));
  const written = paceOf((round) => void own.put(round % 4 * SHARED, bytes));
  const read = paceOf((round) => peer.take(placed[round % 4] as Placed, bytes));
  return Promise.resolve({ bytesPerSecond: Math.min(written, read) });
}

/** Bytes per second of `share`, which shares {@linkcode SHARED} bytes. */
export function paceOf(share: (round: number) => void): number {
  share(0);
  const start = performance.now();
  for (let round = 1; round <= ROUNDS; round++) share(round);
  return 1000 * ROUNDS * SHARED / (performance.now() - start);
}

/** Bytes per second that one process writes and another sees, without a copy. */
export async function mappedSpeed(): Promise<{ bytesPerSecond: number }> {
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...CHILD,
      `--allow-ffi=${LIBC_PATHS.join(",")}`,
      new URL("./map.ts", import.meta.url).href,
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).output();
  const text = new TextDecoder().decode(stdout).trim();
  if (success && text !== "") return { bytesPerSecond: Number(text) };
  throw new Error("needs Linux, its C library and room in memory");
}
