/**
 * A peer as a process: it is told on stdin what to open and how often to run it, and answers with
 * a line of JSON each time. It knows no library and no model.
 */
import { readTask, type Task } from "./task.ts";

/** Work that is ready; by default its values are numbers that others compare with theirs. */
export interface Work<Values = readonly number[]> {
  /** What the other peers must get as well: losses of the first steps, or means of results. */
  readonly values: Values;
  /**
   * Does the work `times` times and waits until it is done. Returns its seconds where other processes
   * did it, so that messages to them do not count.
   */
  run(times: number): Promise<number | void>;
  /** Frees what the work holds. */
  close(): void | Promise<void>;
}

/** A library as far as a comparison asks. */
export interface Library<Values = readonly number[]> {
  readonly name: string;
  readonly version: string;
  /** What it computes on. */
  readonly adapter: string;
  /**
   * Makes work ready and warms it up; `path` is that of the task's files. @throws {Error} that says
   * why it cannot.
   */
  open(task: Task, path: string): Promise<Work<Values>>;
}

/** What a peer is told. */
export type Order =
  | { readonly do: "open"; readonly task: string }
  | { readonly do: "run"; readonly times: number }
  | { readonly do: "close" };

/** Says who it is, then obeys orders until stdin ends. */
export async function serve<Values>(library: Library<Values>): Promise<void> {
  const { name, version, adapter } = library;
  say({ name, version, adapter });
  let work: Work<Values> | undefined;
  for await (const line of linesOf(Deno.stdin.readable)) {
    const order: Order = JSON.parse(line);
    try {
      if (order.do === "open") {
        await work?.close();
        work = undefined;
        work = await library.open(await readTask(order.task), order.task);
        say({ values: work.values });
      } else if (order.do === "run") {
        if (work === undefined) throw new Error("Cannot run: need a task: none is open");
        const start = performance.now();
        const own = await work.run(order.times);
        say({ seconds: own ?? (performance.now() - start) / 1000 });
      } else {
        await work?.close();
        work = undefined;
        say({});
      }
    } catch (error) {
      say({ error: error instanceof Error ? error.message : String(error) });
    }
  }
}

/** Lines of a stream of bytes. */
export async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = "";
  const decoder = new TextDecoder();
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines.filter((line) => line !== "");
  }
}

/** Lines that libraries print by themselves are told apart by their beginning. */
function say(answer: unknown): void {
  console.log(JSON.stringify(answer));
}
