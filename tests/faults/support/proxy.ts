/**
 * A proxy with injected faults: between two byte streams, or between the clients of one Unix
 * socket and the listener at another. Faults of a direction are in lane.ts.
 */
import { Lane, type Line } from "./lane.ts";

/** A connection through the proxy. */
export class Link {
  /** From the dialing end to the listening one. */
  readonly there: Lane;
  /** From the listening end to the dialing one. */
  readonly back: Lane;
  /** When both directions have ended and both ends are closed. */
  readonly done: Promise<void>;
  #ends: readonly Line[];
  #isCut = false;

  constructor(first: Line, second: Line) {
    this.#ends = [first, second];
    this.there = new Lane(first, second);
    this.back = new Lane(second, first);
    this.done = Promise.all([this.there.run(), this.back.run()]).then(() => this.cut());
  }

  /** Both directions. */
  get lanes(): readonly Lane[] {
    return [this.there, this.back];
  }

  /** Closes both ends at once, dropping data in transit. */
  cut(): void {
    if (this.#isCut) return;
    this.#isCut = true;
    for (const lane of this.lanes) lane.cut();
    for (const end of this.#ends) {
      try {
        end.close();
      } catch {
        // It was closed by its peer.
      }
    }
  }
}

/** A proxy between two Unix sockets. */
export interface Proxy {
  /** All connections so far, in order. */
  readonly links: readonly Link[];
  /** Stops listening, removes the socket and cuts all links. */
  close(): Promise<void>;
}

/** Paths and hooks of a proxy. */
export interface ProxyOptions {
  /** Path to listen at. */
  readonly listen: string;
  /** Path to dial for each client. */
  readonly dial: string;
  /** Called with each link before any byte has passed. */
  readonly each?: (link: Link, index: number) => void;
}

/** Opens a proxy between two Unix sockets; a client is closed if no process listens. */
export function openProxy({ listen, dial, each }: ProxyOptions): Proxy {
  const listener = Deno.listen({ transport: "unix", path: listen });
  const links: Link[] = [];
  let isClosed = false;
  const take = async (first: Deno.UnixConn) => {
    const second = await Deno.connect({ transport: "unix", path: dial }).catch(() => undefined);
    if (second === undefined) return first.close();
    const link = new Link(first, second);
    links.push(link);
    each?.(link, links.length - 1);
    if (isClosed) link.cut();
  };
  const accepting = (async () => {
    try {
      for await (const connection of listener) take(connection);
    } catch (error) {
      if (!isClosed) throw error;
    }
  })();
  return {
    links,
    async close() {
      isClosed = true;
      listener.close();
      try {
        Deno.removeSync(listen);
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error; // its folder went before
      }
      for (const link of links) link.cut();
      await Promise.all([accepting, ...links.map(({ done }) => done)]);
    },
  };
}
