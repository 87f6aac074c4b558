/** A temporary folder that is removed when its process ends, also by a signal. */
import { atUnload } from "../base/unload.ts";
import { endOnSignals } from "../terminal/signals.ts";

/** A folder that is removed when it is disposed, or when the process ends. */
export interface Scratch extends Disposable {
  readonly path: string;
}

/** Takes a folder; from now on signals end the process by `Deno.exit`, which removes it. */
export function openScratch(
  path: string,
  clear: () => void = () => Deno.removeSync(path, { recursive: true }),
): Scratch {
  const remove = () => {
    try {
      clear();
    } catch {
      // What is temporary may stay: what the command came to is what counts.
    }
  };
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
