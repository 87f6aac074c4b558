/** A temporary folder that goes with its process, also when a signal ends that. */
import { atUnload } from "../base/unload.ts";
import { endOnSignals } from "./signals.ts";

/** A folder that is removed when it is disposed, or when the process ends. */
export interface Scratch extends Disposable {
  readonly path: string;
}

/** Makes a folder; from now on signals end the process by `Deno.exit`, which removes it. */
export async function openScratch(prefix: string): Promise<Scratch> {
  const path = await Deno.makeTempDir({ prefix });
  const remove = () => Deno.removeSync(path, { recursive: true });
  const unload = atUnload(remove);
  endOnSignals();
  return {
    path,
    [Symbol.dispose]() {
      unload[Symbol.dispose]();
      remove();
    },
  };
}
