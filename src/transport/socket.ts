/** Adapts a node:net socket to a byte duplex. */
import type { Socket } from "node:net";
import type { Duplex } from "./bytes.ts";

/** Milliseconds in which a closed socket may still send written data. */
const LINGER = 1000;

/** A duplex over the socket; takes ownership of it. */
export function socketDuplex(socket: Socket): Duplex {
  return new SocketDuplex(socket);
}

class SocketDuplex implements Duplex {
  #socket: Socket;
  #left: Uint8Array | undefined;
  #error: Error | undefined;
  #isOver = false; // the peer has closed its side
  #isClosed = false;
  #writing = new Set<(error: Error) => void>();
  #changed = Promise.withResolvers<void>();

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on("readable", () => this.#wake());
    socket.on("end", () => this.#end());
    socket.on("close", () => this.#end());
    socket.on("error", (error: Error) => {
      this.#error = error;
      this.#end();
    });
  }

  async read(p: Uint8Array): Promise<number | null> {
    while (!this.#isClosed) {
      const chunk: Uint8Array | undefined = this.#left ?? this.#socket.read() ?? undefined;
      if (chunk !== undefined) {
        const n = Math.min(chunk.length, p.length);
        p.set(chunk.subarray(0, n));
        this.#left = n < chunk.length ? chunk.subarray(n) : undefined;
        return n;
      }
      if (this.#error) throw this.#error;
      if (this.#isOver) return null;
      await this.#changed.promise;
    }
    return null;
  }

  async write(p: Uint8Array): Promise<number> {
    if (this.#isClosed || this.#error) throw this.#error ?? new Error("The socket is closed");
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#writing.add(reject);
    this.#socket.write(p, (error?: Error | null) => error ? reject(error) : resolve());
    try {
      await promise;
    } finally {
      this.#writing.delete(reject);
    }
    return p.length;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const isCut = this.#writing.size > 0;
    for (const reject of this.#writing) reject(new Error("The socket is closed"));
    this.#wake();
    if (isCut) return void this.#socket.destroy();
    // Send what was written, unless the peer does not read it in time.
    const timer = setTimeout(() => this.#socket.destroy(), LINGER);
    this.#socket.once("close", () => clearTimeout(timer));
    this.#socket.end(() => this.#socket.destroy());
  }

  #end(): void {
    this.#isOver = true;
    for (const reject of this.#writing) {
      if (this.#socket.destroyed) reject(this.#error ?? new Error("The peer closed"));
    }
    this.#wake();
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}
