/** A side of the comparison as a process: orders in, one line of JSON out each. */
import { linesOf, type Order } from "../peers/serve.ts";

/** How a side is started. */
export interface Start {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** The same on certain cores, as `taskset` of Linux lists them. */
export function pinned({ command, args, ...rest }: Start, cores: string): Start {
  return { ...rest, command: "taskset", args: ["-c", cores, command, ...args] };
}

/** What a side says of itself. */
export interface Hello {
  readonly name: string;
  readonly version: string;
  readonly adapter: string;
}

/** A process that obeys orders. */
export class Side {
  readonly hello: Hello;
  readonly #child: Deno.ChildProcess;
  readonly #answers: AsyncGenerator<string>;
  readonly #orders: WritableStreamDefaultWriter<Uint8Array>;
  readonly #complaints: { last: string };

  private constructor(
    child: Deno.ChildProcess,
    { hello, answers, complaints }: {
      hello: Hello;
      answers: AsyncGenerator<string>;
      complaints: { last: string };
    },
  ) {
    this.#child = child;
    this.hello = hello;
    this.#answers = answers;
    this.#orders = child.stdin.getWriter();
    this.#complaints = complaints;
  }

  /** Starts a side. @throws {Error} that says why it did not come up within `seconds`. */
  static async start({ command, args, env = {} }: Start, seconds: number): Promise<Side> {
    const child = new Deno.Command(command, {
      args: [...args],
      env: { ...env },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const answers = linesOf(child.stdout);
    const complaints = { last: "" };
    const heard = hear(child.stderr, complaints);
    try {
      const hello = await answerIn<Hello>(answers, { seconds, child, complaints, heard });
      return new Side(child, { hello, answers, complaints });
    } catch (error) {
      await child.stdin.close().catch(() => {});
      throw error;
    }
  }

  /**
   * Gives an order and waits for its answer. @throws {Error} that says why there is none: then the
   * process is gone.
   */
  async ask<T>(order: Order, seconds: number): Promise<T> {
    await this.#orders.write(new TextEncoder().encode(JSON.stringify(order) + "\n"));
    return await answerIn<T>(this.#answers, {
      seconds,
      child: this.#child,
      complaints: this.#complaints,
    });
  }

  /** Ends the process at once, whatever it does. */
  kill(): void {
    kill(this.#child);
  }

  /** Ends the process once it has done what it was told. */
  async close(): Promise<void> {
    await this.#orders.close().catch(() => {});
    const timer = setTimeout(() => kill(this.#child), 2000);
    await this.#child.status;
    clearTimeout(timer);
  }
}

/** The next answer of a process, which is killed when it takes too long. */
async function answerIn<T>(
  answers: AsyncGenerator<string>,
  { seconds, child, complaints, heard }: {
    seconds: number;
    child: Deno.ChildProcess;
    complaints: { last: string };
    heard?: Promise<void>;
  },
): Promise<T> {
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    kill(child);
  }, 1000 * seconds);
  try {
    for (;;) {
      const { done, value } = await answers.next();
      if (late) throw new Error(`it took longer than ${Math.round(seconds)} s`);
      if (done) {
        await heard;
        throw new Error(complaints.last || `it ended with ${(await child.status).code}`);
      }
      if (!value.startsWith("{")) continue;
      const answer = JSON.parse(value);
      if (typeof answer.error === "string") throw new Refused(answer.error);
      return answer;
    }
  } finally {
    clearTimeout(timer);
  }
}

/** A side could not do what it was asked for, and is still there. */
export class Refused extends Error {}

function kill(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch {
    // It has ended by itself.
  }
}

/** Keeps the last line that a process says on stderr. */
async function hear(stream: ReadableStream<Uint8Array>, into: { last: string }): Promise<void> {
  for await (const line of linesOf(stream)) into.last = line.trim() || into.last;
}
