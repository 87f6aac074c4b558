/**
 * Keeps what comes out of pipes in files of the output folder: inputs are read twice, and a pipe can
 * be read once. A preparation that was stopped goes on where the same bytes come out again.
 */
import { join } from "node:path";
import { pipeChunks } from "../data/pipe.ts";
import type { Input } from "./inputs.ts";
import { inputOf } from "./inspect.ts";

/** Names that the folder takes for a leftover of a preparation that was killed. */
const NAME = /^\.pipe-\d+\.tmp$/;

/** Files that pipes are kept in; removed when disposed. */
export class Spool implements Disposable {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
    this.#clear();
  }

  /** The inputs that pipes hold, in order of name; undefined when stopped. @throws {Refusal} */
  async keep(
    pipes: readonly string[],
    { say, stop }: { say: (text: string) => void; stop: AbortSignal },
  ): Promise<Input[] | undefined> {
    const inputs: Input[] = [];
    for (const [i, name] of pipes.toSorted().entries()) {
      say(`Keeping what comes out of ${name === "-" ? "stdin" : name} in ${this.#folder}`);
      const path = join(this.#folder, `.pipe-${i}.tmp`);
      using file = Deno.openSync(path, { write: true, create: true, truncate: true });
      for await (const chunk of pipeChunks(name, { say, stop })) {
        for (let at = 0; at < chunk.length;) at += await file.write(chunk.subarray(at));
      }
      if (stop.aborted) return undefined;
      inputs.push(await inputOf(name, { path }));
    }
    return inputs;
  }

  [Symbol.dispose](): void {
    this.#clear();
  }

  #clear(): void {
    for (const { name } of Array.from(Deno.readDirSync(this.#folder))) {
      if (NAME.test(name)) Deno.removeSync(join(this.#folder, name));
    }
  }
}
