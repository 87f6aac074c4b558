/** Commands on a pseudo-terminal, as a person runs them: with `script` of util-linux. */
import { assert } from "@std/assert";
import { assertHarmless } from "./hostile.ts";

/** The key Ctrl-C: the terminal sends SIGINT to every process of the command. */
export const CTRL_C = "\x03";

/** The key Ctrl-\: the terminal sends SIGQUIT to every process of the command. */
export const CTRL_BACKSLASH = "\x1c";

/** How a command on a terminal ended. */
export interface Ended {
  readonly code: number;
  /** What the terminal showed: stdout and stderr, with line ends as terminals have them. */
  readonly text: string;
}

/** A terminal on which one command runs. */
export class Terminal implements AsyncDisposable {
  readonly ended: Promise<Ended>;
  readonly #script: Deno.ChildProcess;
  readonly #keys: WritableStreamDefaultWriter<Uint8Array>;
  #text = "";
  #over = false;
  #watch = Promise.withResolvers<void>();

  /** Runs a simple command of `sh`, which makes room for it: it would take Ctrl-C for itself as well. */
  constructor(command: string, { cwd, env = {} }: {
    readonly cwd: string;
    readonly env?: Readonly<Record<string, string>>;
  }) {
    this.#script = new Deno.Command("script", {
      args: ["-qfec", `exec ${command}`, "/dev/null"],
      cwd,
      env: { SHELL: "/bin/sh", TERM: "dumb", NO_COLOR: "1", ...env },
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#keys = this.#script.stdin.getWriter();
    this.ended = this.#read();
  }

  /** Presses keys. */
  async press(keys: string): Promise<void> {
    await this.#keys.write(new TextEncoder().encode(keys));
  }

  /** Waits until the terminal has shown something. @throws when the command ends before. */
  async shows(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.#text)) {
      assert(!this.#over, `The terminal never showed ${pattern}:\n${this.#text}`);
      await this.#watch.promise;
    }
  }

  /** Closes the terminal under the command, which gets SIGHUP. */
  close(): void {
    this.#script.kill("SIGKILL");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.close();
    } catch {
      // The command has ended.
    }
    await this.ended;
  }

  async #read(): Promise<Ended> {
    for await (const part of this.#script.stdout.pipeThrough(new TextDecoderStream())) {
      this.#text += part;
      this.#wake();
    }
    this.#over = true;
    this.#wake();
    const { code } = await this.#script.status;
    assertHarmless(this.#text, "on a terminal", { terminal: true });
    await this.#keys.close().catch(() => {});
    return { code, text: this.#text };
  }

  #wake(): void {
    this.#watch.resolve();
    this.#watch = Promise.withResolvers();
  }
}
