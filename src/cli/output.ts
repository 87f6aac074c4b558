/** Writes to stdout as long as somebody reads. */

/** A way to stdout, and whether it is still open. */
export interface Output {
  /** Writes all of a text; nothing once the reader is gone. */
  write(text: string): void;
  /** Aborted when the reader is gone. */
  readonly closed: AbortSignal;
}

/** Where the bytes go; a part of `Deno.stdout`. */
export interface Sink {
  writeSync(bytes: Uint8Array): number;
}

/** Opens stdout. A reader that leaves, as `head` does, is no fault. */
export function openOutput(sink: Sink = Deno.stdout): Output {
  const encoder = new TextEncoder();
  const controller = new AbortController();
  return {
    write(text) {
      const bytes = encoder.encode(text);
      try {
        for (let at = 0; at < bytes.length && !controller.signal.aborted;) {
          at += sink.writeSync(bytes.subarray(at));
        }
      } catch (error) {
        if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
        controller.abort();
      }
    },
    closed: controller.signal,
  };
}
