/** Splits a stream of bytes into lines. */

/** A function that returns the next line at each call; undefined once the stream has ended. */
export function lineReader(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
): () => Promise<string | undefined> {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  return async () => {
    while (!text.includes("\n")) {
      const { value, done } = await reader.read();
      if (done) return undefined;
      text += value;
    }
    const end = text.indexOf("\n");
    const line = text.slice(0, end);
    text = text.slice(end + 1);
    return line;
  };
}

/** Longest line that is relayed whole, in characters. */
const LONGEST = 1 << 14;

/**
 * Calls `write` with each line of a stream until the stream ends; very long lines come in parts. Errors
 * of `write` are dropped: if the stream were not read on, the process that writes to it would block.
 */
export async function relayLines(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  write: (line: string) => void,
): Promise<void> {
  let open = "";
  const relay = (line: string) => {
    try {
      write(line);
    } catch {
      // Its reader is gone.
    }
  };
  for await (const part of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (open + part).split("\n");
    open = lines.pop() ?? "";
    for (const line of lines) relay(line);
    if (open.length <= LONGEST) continue;
    relay(open);
    open = "";
  }
  if (open !== "") relay(open);
}
