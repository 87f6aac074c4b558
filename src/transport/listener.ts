/** Adapts the runtime's listeners to the gate. */
import type { Duplex, Listener } from "./bytes.ts";

/** A listener that returns undefined once closed; `closed` is called once, after closing. */
export function listenerOver(
  { accept, close }: { accept: () => Promise<Duplex>; close: () => void },
  closed: () => void = () => {},
): Listener {
  let isClosed = false;
  return {
    async accept() {
      try {
        return await accept();
      } catch (error) {
        if (isClosed) return undefined;
        throw error;
      }
    },
    close() {
      if (isClosed) return;
      isClosed = true;
      close();
      closed();
    },
  };
}
