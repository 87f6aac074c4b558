/**
 * Keeps what comes out of pipes in files of the output folder: inputs are read twice, and a pipe can
 * be read once. A preparation that was stopped goes on where the same bytes come out again.
 */
import { join } from "node:path";
import { pipeChunks } from "../data/pipe.ts";
import { isLockLost } from "../base/user_error.ts";
import { writeAll } from "../base/write_all.ts";
import { recreate } from "../report/atomic.ts";
import type { OutFolder } from "./folder.ts";
import type { Input } from "./inputs.ts";
import { inputOf } from "./inspect.ts";

/** Names that the folder takes for a leftover of a preparation that was killed. */
const NAME = /^\.pipe-\d+\.tmp$/;

/** Files that pipes are kept in; removed when disposed. */
export class Spool implements Disposable {
  readonly #out: Pick<OutFolder, "path" | "check">;

  constructor(out: Pick<OutFolder, "path" | "check">) {
    this.#out = out;
    this.#clear();
  }

  /** The inputs that pipes hold, in order of name; undefined when stopped. @throws {Refusal} */
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
      // The folder is another's: what ended the preparation says so.
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
