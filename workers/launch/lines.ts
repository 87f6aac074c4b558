/** Lines of a stream of bytes, one at a time. */

/** Gives the next line at each call; undefined once the stream has ended. */
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

/** Characters of a line that is relayed as one. */
const LONGEST = 1 << 14;

/**
 * Calls `tell` with each line of a stream until the stream ends; very long lines come in parts. Errors
 * of `tell` are dropped: the stream must be read on, or the process that writes to it would block.
 */
export async function relayLines(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  tell: (line: string) => void,
): Promise<void> {
  let open = "";
  const say = (line: string) => {
    try {
      tell(line);
    } catch {
      // Its reader is gone.
    }
  };
  for await (const part of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (open + part).split("\n");
    open = lines.pop() ?? "";
    for (const line of lines) say(line);
    if (open.length <= LONGEST) continue;
    say(open);
    open = "";
  }
  if (open !== "") say(open);
}
