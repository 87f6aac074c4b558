/**
 * Runs a script of ours that calls code of the user, in a child process with the permissions of a
 * worker: code that never returns ends with the process, and no other one waits for it.
 */
import { parseJsonText } from "../base/text/json.ts";
import { atUnload } from "../base/unload.ts";
import { killProcess, mayStartProcess, startUserProcess } from "./user_process.ts";

/** What a child runs. */
export interface ChildRequest {
  /** The script, by its path from the package's folder; it reads its input by readChildInput(). */
  readonly script: string;
  /** Files and folders that it may read. */
  readonly reads: readonly string[];
  /** A plain value, and bytes. */
  readonly input: unknown;
  readonly payload: Uint8Array<ArrayBuffer>;
  /** Longest time until the next value that it says, ms. */
  readonly limit: number;
  /** Called with each value that it says by sayToParent(). */
  readonly said: (value: unknown) => void;
}

/** Time in which a child has loaded our modules, ms. */
const START_MS = 40_000;
/** Prefix of the lines with values for the parent; modules of the user may print others. */
const SAID = "shoal-says ";

/**
 * Runs a child to its end; why it failed, undefined where it did not. A child whose limit is over is
 * killed, and `late` returned.
 * @returns `skipped` where this process may start none, or a path cannot be named in a permission.
 */
export async function runUserCode(
  { script, reads, input, payload, limit, said }: ChildRequest,
): Promise<"done" | "late" | "skipped" | { readonly reason: string }> {
  if (!mayStartProcess()) return "skipped";
  // Deno splits the list at commas and has no way to escape one: a child would have to read anything.
  if (reads.some((path) => path.includes(","))) return "skipped";
  const child = startUserProcess(script, reads);
  let isLate = false;
  using _ = atUnload(() => killProcess(child));
  const late = () => {
    isLate = true;
    killProcess(child);
  };
  let timer = setTimeout(late, Math.max(START_MS, limit));
  const heard = (line: string) => {
    if (!line.startsWith(SAID)) return;
    clearTimeout(timer);
    timer = setTimeout(late, limit);
    said(parseJsonText(line.slice(SAID.length)));
  };
  const stdin = child.stdin.getWriter();
  // A child that has exited has closed its end; its status says why.
  writeInput(stdin, input, payload).catch(() => {});
  try {
    const [{ code, signal }, , stderr] = await Promise.all([
      child.status,
      forEachLine(child.stdout, heard),
      new Response(child.stderr).text(),
    ]);
    if (isLate) return "late";
    if (code === 0) return "done";
    const line = stderr.split("\n").findLast((text) => text.startsWith("error: "));
    const ended = signal === null ? `with code ${code}` : `by ${signal}`;
    return { reason: line?.slice("error: ".length) ?? `its process ended ${ended}` };
  } finally {
    clearTimeout(timer);
    // It stays open until here: a child ends when it closes.
    await stdin.close().catch(() => {});
  }
}

async function writeInput(
  stdin: WritableStreamDefaultWriter<Uint8Array>,
  input: unknown,
  payload: Uint8Array,
): Promise<void> {
  const json = new TextEncoder().encode(JSON.stringify(input));
  await stdin.write(new TextEncoder().encode(`${json.length} ${payload.length}\n`));
  await stdin.write(json);
  await stdin.write(payload);
}

async function forEachLine(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  each: (line: string) => void,
): Promise<void> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    lines.forEach(each);
  }
  each(rest);
}

/** In the child: its input. Blocks until the parent has written it. */
export function readChildInput(): { readonly input: unknown; readonly payload: Uint8Array } {
  let line = "";
  for (let c = ""; c !== "\n"; line += c) c = new TextDecoder().decode(read(1));
  const [json = 0, bytes = 0] = line.split(" ").map(Number);
  const input = JSON.parse(new TextDecoder().decode(read(json)));
  return { input, payload: read(bytes) };
}

function read(bytes: number): Uint8Array {
  const all = new Uint8Array(bytes);
  for (let at = 0; at < bytes;) {
    const count = Deno.stdin.readSync(all.subarray(at));
    if (count === null) Deno.exit(1); // the parent is gone
    at += count;
  }
  return all;
}

/** In the child: says a plain value to the parent. */
export function sayToParent(value: unknown): void {
  // Code of the user may have left a line without its end.
  console.log(`\n${SAID}${JSON.stringify(value)}`);
}
