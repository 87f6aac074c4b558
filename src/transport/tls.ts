/**
 * Byte streams under TLS 1.3 whose two ends have both shown a certificate of one authority. Through
 * node:tls, since Deno's own listener cannot ask for a client's. A certificate opens no channel: the
 * handshake with the run's token comes after it.
 */
import { createPrivateKey, X509Certificate } from "node:crypto";
import type { AddressInfo, Socket } from "node:net";
import { connect, createServer, type TLSSocket } from "node:tls";
import { UserError } from "../base/user_error.ts";
import type { Duplex, Listener } from "./bytes.ts";
import { socketDuplex } from "./socket.ts";

/** What an end shows and whom it believes: PEM texts. */
export interface TlsIdentity {
  /** The authority that has signed the other end's certificate; the system's are not believed. */
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** Where, and as whom. */
export interface TlsOptions {
  readonly hostname: string;
  readonly port: number;
  readonly identity: TlsIdentity;
  /** Milliseconds for the other end to show its certificate; 5000 unless told. */
  readonly deadline?: number;
}

const DEADLINE = 5000;
/** Most peers that are about to; one more, and the oldest of them is closed. */
const MAX_PENDING = 64;

/** Listens; who shows no certificate of the authority is closed and never accepted. */
export async function bindTls(
  { hostname, port, identity, deadline = DEADLINE }: TlsOptions,
): Promise<Listener & { readonly port: number }> {
  const server = createServer({ ...strict(identity), requestCert: true });
  const unknown = new Antechamber(deadline);
  const ready: Duplex[] = [];
  let isClosed = false;
  let changed = Promise.withResolvers<void>();
  const wake = () => {
    changed.resolve();
    changed = Promise.withResolvers();
  };
  server.on("connection", (socket: Socket) => unknown.enter(socket));
  server.on("tlsClientError", (_, socket: TLSSocket) => socket.destroy());
  server.on("secureConnection", (socket: TLSSocket) => {
    unknown.leave(socket);
    // It never comes here without one; should that change, nobody comes in.
    if (!socket.authorized || isClosed) return void socket.destroy();
    ready.push(socketDuplex(socket));
    wake();
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, hostname, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    async accept() {
      while (ready.length === 0 && !isClosed) await changed.promise;
      return ready.shift();
    },
    close() {
      if (isClosed) return;
      isClosed = true;
      server.close();
      unknown.clear();
      for (const duplex of ready.splice(0)) duplex.close();
      wake();
    },
  };
}

/** Dials; rejects unless the listener's certificate is of the authority and for this host. */
export async function connectTls(
  { hostname, port, identity, deadline = DEADLINE }: TlsOptions,
): Promise<Duplex> {
  const socket = connect({ host: hostname, port, ...strict(identity) });
  const timer = setTimeout(() => socket.destroy(), deadline);
  await new Promise<void>((resolve, reject) => {
    socket.once("secureConnect", resolve);
    socket.once("error", reject);
    socket.once("close", () => reject(new Error(`It gave no certificate within ${deadline} ms`)));
  }).finally(() => clearTimeout(timer));
  return socketDuplex(socket);
}

/** What both ends ask of each other. Refuses (config) texts that are not sound. */
function strict({ ca, cert, key }: TlsIdentity) {
  try {
    // Asked now: a listener would only find out with each who dials.
    new X509Certificate(ca);
    if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) {
      throw new Error("the key is not that of the certificate");
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UserError("config", `Cannot use the certificates: need texts in PEM: ${reason}`);
  }
  return { ca, cert, key, rejectUnauthorized: true, minVersion: "TLSv1.3" } as const;
}

/** Those who have shown no certificate yet: few, and not for long. */
class Antechamber {
  #sockets = new Map<string, { socket: Socket; timer: ReturnType<typeof setTimeout> }>();
  #deadline: number;

  constructor(deadline: number) {
    this.#deadline = deadline;
  }

  enter(socket: Socket): void {
    const name = nameOf(socket);
    const [oldest] = this.#sockets;
    if (oldest !== undefined && this.#sockets.size >= MAX_PENDING) {
      this.#remove(oldest[0]);
      oldest[1].socket.destroy();
    }
    const timer = setTimeout(() => socket.destroy(), this.#deadline);
    this.#sockets.set(name, { socket, timer });
    socket.once("close", () => this.#remove(name));
  }

  leave(socket: Socket): void {
    this.#remove(nameOf(socket));
  }

  clear(): void {
    for (const { socket } of this.#sockets.values()) socket.destroy();
  }

  #remove(name: string): void {
    clearTimeout(this.#sockets.get(name)?.timer);
    this.#sockets.delete(name);
  }
}

/** The far end, which a socket and the TLS around it have in common. */
function nameOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
