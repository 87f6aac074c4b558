/** A listener of the runtime's as the gate takes it. Knows no addresses. */
import type { Duplex, Listener } from "./bytes.ts";

/** Accepts until closed, then gives undefined; `closed` is called once, after the closing. */
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
