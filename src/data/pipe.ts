/**
 * Reads stdin, named pipes, and the pipes of a shell's `<(...)`. Prints a notice while it waits,
 * because a pipe without a writer blocks silently.
 */

import { warn } from "../base/text/say.ts";

/** Default milliseconds before the notice. */
const PATIENCE = 3000;
/** Bytes per read. */
const CHUNK = 1 << 20;
/** Names of stdin. Deno does not open paths below /dev or /proc without all permissions. */
const STDIN: readonly string[] = ["-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"];

/** Whether a path names stdin. */
export function isStdin(path: string): boolean {
  return STDIN.includes(path);
}

/** Whether a path is a pipe, which can be read only once; false for a missing path. */
export async function isPipe(path: string): Promise<boolean> {
  if (isStdin(path)) return true;
  return await Deno.stat(path).then(({ isFifo }) => isFifo === true, () => false);
}

/** How a pipe is read. */
export interface PipeOptions {
  /** Prints the notice that nothing arrived yet; default: stderr. */
  readonly say?: (text: string) => void;
  /** Ends reading. */
  readonly stop?: AbortSignal | undefined;
  /** Milliseconds before the notice. */
  readonly patience?: number;
}

/**
 * The bytes of a pipe in chunks. Each chunk is overwritten by the next. Ends early when stopped.
 */
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
    // Opening a named pipe blocks until a writer opens it.
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
