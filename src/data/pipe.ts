/**
 * Reads what can be read only once: stdin, named pipes, and the pipes of a shell's `<(...)`. Says
 * when it waits: a pipe that nobody writes to blocks without an error.
 */

import { warn } from "../base/text/say.ts";

/** Milliseconds of patience where nobody says. */
const PATIENCE = 3000;
/** Bytes that are read at once. */
const CHUNK = 1 << 20;
/** Names of stdin; Deno opens no path below /dev or /proc for it. */
const STDIN: readonly string[] = ["-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"];

/** Whether a path names stdin. */
export function isStdin(path: string): boolean {
  return STDIN.includes(path);
}

/** Whether what a path names can be read only once; false where there is nothing. */
export async function isPipe(path: string): Promise<boolean> {
  if (isStdin(path)) return true;
  return await Deno.stat(path).then(({ isFifo }) => isFifo === true, () => false);
}

/** How a pipe is read. */
export interface PipeOptions {
  /** Hears once that nothing came for a while; default: stderr. */
  readonly say?: (text: string) => void;
  /** Ends the wait for more. */
  readonly stop?: AbortSignal | undefined;
  /** Milliseconds until a silent pipe is mentioned. */
  readonly patience?: number;
}

/** All bytes of a pipe in chunks; each stands until the next is asked for. Ends early when stopped. */
export async function* pipeChunks(
  path: string,
  { say = warn, stop, patience = PATIENCE }: PipeOptions = {},
): AsyncGenerator<Uint8Array> {
  const name = isStdin(path) ? "stdin" : path;
  const waiting = setTimeout(
    () => say(`Waiting for ${name}: nobody has written to it yet`),
    patience,
  );
  const stopped = new Promise<null>((resolve) => {
    if (stop?.aborted) resolve(null);
    stop?.addEventListener("abort", () => resolve(null), { once: true });
  });
  try {
    // Opening a named pipe blocks until somebody opens its other end.
    const file = isStdin(path)
      ? Deno.stdin
      : await Promise.race([Deno.open(path, { read: true }), stopped]);
    if (file === null) return;
    const buffer = new Uint8Array(CHUNK);
    try {
      for (;;) {
        const n = await Promise.race([file.read(buffer), stopped]);
        clearTimeout(waiting);
        if (n === null) return;
        yield buffer.subarray(0, n);
      }
    } finally {
      if (file !== Deno.stdin) file.close();
    }
  } finally {
    clearTimeout(waiting);
  }
}
