/**
 * Mutual TLS 1.3 with certificates of one authority. Uses node:tls, since Deno's listener cannot
 * request client certificates. The handshake with the run's token follows on top of it.
 */
import { createPrivateKey, X509Certificate } from "node:crypto";
import type { AddressInfo, Socket } from "node:net";
import { connect, createServer, type TLSSocket } from "node:tls";
import { UserError } from "../base/user_error.ts";
import type { Duplex, Listener } from "./bytes.ts";
import { socketDuplex } from "./socket.ts";

/** Certificate, key and trusted authority of an end, in PEM. */
export interface TlsIdentity {
  /** The authority of the other end's certificate; system authorities are not trusted. */
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** Address and identity. */
export interface TlsOptions {
  readonly hostname: string;
  readonly port: number;
  readonly identity: TlsIdentity;
  /** Timeout of the TLS handshake, ms. Default 5000. */
  readonly deadline?: number;
}

const DEADLINE = 5000;
/** Most pending TLS handshakes; one more closes the oldest. */
const MAX_PENDING = 64;

/** Listens; a peer without a certificate of the authority is closed, never accepted. */
export async function bindTls(
  { hostname, port, identity, deadline = DEADLINE }: TlsOptions,
): Promise<Listener & { readonly port: number }> {
  const server = createServer({ ...strict(identity), requestCert: true });
  const pending = new PendingSockets(deadline);
  const ready: Duplex[] = [];
  let isClosed = false;
  let changed = Promise.withResolvers<void>();
  const wake = () => {
    changed.resolve();
    changed = Promise.withResolvers();
  };
  server.on("connection", (socket: Socket) => pending.add(socket));
  server.on("tlsClientError", (_, socket: TLSSocket) => socket.destroy());
  server.on("secureConnection", (socket: TLSSocket) => {
    pending.remove(socket);
    // node:tls already rejects unauthorized peers; check again in case that changes.
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
      pending.clear();
      for (const duplex of ready.splice(0)) duplex.close();
      wake();
    },
  };
}

/** Dials; rejects unless the listener's certificate is valid for the authority and the host. */
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

/** TLS options of both ends. @throws {UserError} `config` for invalid PEM or a mismatched key. */
function strict({ ca, cert, key }: TlsIdentity) {
  try {
    // Check early: a listener would otherwise fail at each connection.
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

/** Sockets whose TLS handshake is pending, limited in number and time. */
class PendingSockets {
  #sockets = new Map<string, { socket: Socket; timer: ReturnType<typeof setTimeout> }>();
  #deadline: number;

  constructor(deadline: number) {
    this.#deadline = deadline;
  }

  add(socket: Socket): void {
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

  remove(socket: Socket): void {
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

/** The peer's address, the same for a socket and the TLS socket over it. */
function nameOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
