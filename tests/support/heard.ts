/** What a command that runs inside a test writes to stdout and stderr, as a terminal would get it. */

/** What was written while `work` ran, and its result. */
export async function heard<T>(
  work: () => Promise<T>,
  { terminal = false } = {},
): Promise<{ readonly value: T; readonly text: string }> {
  const [out, err] = [kept(Deno.stdout), kept(Deno.stderr)];
  const { log, error } = console;
  const decoder = new TextDecoder();
  let text = "";
  const writeSync = (bytes: Uint8Array) => {
    text += decoder.decode(bytes, { stream: true });
    return bytes.length;
  };
  const print = (...words: unknown[]) =>
    void (text += words.map((word) => typeof word === "string" ? word : Deno.inspect(word))
      .join(" ") + "\n");
  for (const stream of [Deno.stdout, Deno.stderr]) {
    Object.assign(stream, { writeSync, isTerminal: () => terminal });
  }
  Object.assign(console, { log: print, error: print });
  try {
    return { value: await work(), text: text + decoder.decode() };
  } finally {
    Object.assign(Deno.stdout, out);
    Object.assign(Deno.stderr, err);
    Object.assign(console, { log, error });
  }
}

function kept({ writeSync, isTerminal }: typeof Deno.stderr) {
  return { writeSync, isTerminal };
}
