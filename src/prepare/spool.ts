/**
 * Copies pipes to temporary files in the output folder, because inputs are read twice. A stopped
 * preparation can resume if the pipe delivers the same bytes again.
 */
import { join } from "node:path";
import { pipeChunks } from "../data/pipe.ts";
import { isLockLost } from "../base/user_error.ts";
import { writeAll } from "../base/files/write_all.ts";
import { recreate } from "../report/atomic.ts";
import type { OutFolder } from "./folder.ts";
import type { Input } from "./inputs.ts";
import { inputOf } from "./inspect.ts";

/** Names of the temporary files. */
const NAME = /^\.pipe-\d+\.tmp$/;

/** Temporary copies of pipes, removed when disposed. */
export class Spool implements Disposable {
  readonly #out: Pick<OutFolder, "path" | "check">;

  constructor(out: Pick<OutFolder, "path" | "check">) {
    this.#out = out;
    this.#clear();
  }

  /**
   * Copies the pipes; returns them as inputs in order of name, undefined when stopped. @throws
   * {UserError}
   */
  async keep(
    pipes: readonly string[],
    { say, stop }: { say: (text: string) => void; stop: AbortSignal },
  ): Promise<Input[] | undefined> {
    const inputs: Input[] = [];
    for (const [i, name] of pipes.toSorted().entries()) {
      say(`Keeping what comes out of ${name === "-" ? "stdin" : name} in ${this.#out.path}`);
      const path = join(this.#out.path, `.pipe-${i}.tmp`);
      this.#out.check();
      using file = recreate(path);
      for await (const chunk of pipeChunks(name, { say, stop })) {
        await writeAll(file, chunk);
      }
      if (stop.aborted) return undefined;
      inputs.push(await inputOf(name, { path }));
    }
    return inputs;
  }

  [Symbol.dispose](): void {
    try {
      this.#clear();
    } catch (error) {
      // Another process took over the folder, which is already reported.
      if (!isLockLost(error)) throw error;
    }
  }

  #clear(): void {
    this.#out.check();
    const { path } = this.#out;
    for (const { name } of Array.from(Deno.readDirSync(path))) {
      if (NAME.test(name)) Deno.removeSync(join(path, name));
    }
  }
}
