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
