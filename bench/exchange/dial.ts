/** Connects to a process that is being started. */
import type { FencedChannel } from "../../src/transport/channel.ts";
import { dialUnix } from "../../src/transport/unix.ts";

/** Dials a socket, and retries for ten seconds while no process listens on it. */
export async function dialSoon(path: string): Promise<FencedChannel> {
  for (let tries = 0;; tries++) {
    try {
      return await dialUnix(path, { attempt: 0 });
    } catch (error) {
      if (tries === 500) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
