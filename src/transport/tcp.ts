/**
 * Channels over TCP, for processes on several machines or without a shared folder. Anyone can
 * connect to a port, so channels are only admitted through the gate, and non-loopback addresses
 * also need mutual TLS (src/transport/tls.ts).
 */
import { UserError } from "../base/user_error.ts";
import type { Duplex, Listener } from "./bytes.ts";
import { ChannelError, type FencedChannel } from "./channel.ts";
import { type Gate, type GateOptions, openGate } from "./gate.ts";
import { greet, type Hello, type Terms } from "./handshake.ts";
import { listenerOver } from "./listener.ts";
import { streamChannel } from "./stream.ts";
import { bindTls, connectTls, type TlsIdentity } from "./tls.ts";

/** A network address. */
export interface Address {
  /** Host name or IP address. Default 127.0.0.1. */
  readonly hostname?: string;
  readonly port: number;
  /** Certificates for mutual TLS; required except for loopback. */
  readonly tls?: TlsIdentity;
  /** Timeout of the TLS handshake, ms. Default 5000. */
  readonly deadline?: number;
}

/** A listener on a port. */
export interface PortListener extends Listener {
  readonly port: number;
}

/** Options of a dialer. */
export interface Dial extends Address, Terms {
  readonly hello: Hello;
  /** Largest payload of the channel, in bytes. Default 4 GiB. */
  readonly maxPayload?: number;
}

/**
 * Listens on a port (0 for a free one) and admits peers through a gate.
 * @throws {UserError} `config` for a non-loopback address without certificates, or an address that
 * cannot be bound.
 */
export async function listenTcp(
  options: GateOptions & Address,
): Promise<Gate & { readonly port: number }> {
  const listener = await bindTcp(options);
  const gate = openGate(listener, options);
  return {
    port: listener.port,
    get counts() {
      return gate.counts;
    },
    get pending() {
      return gate.pending;
    },
    close: () => gate.close(),
  };
}

/** Dials a gate and authenticates. @throws {ChannelError} unless a peer with the token answers. */
export async function dialTcp({ hello, maxPayload, ...dial }: Dial): Promise<FencedChannel> {
  const channel = streamChannel(await connectTcp(dial), {
    attempt: hello.attempt,
    ...(maxPayload !== undefined && { maxPayload }),
  });
  await greet(channel, hello, dial);
  return channel;
}

/** Listens for raw byte streams, with the same errors. */
export async function bindTcp(
  { hostname = LOOPBACK, port, tls, ...timeouts }: Address,
): Promise<PortListener> {
  requirePrivate("listen", { hostname, tls });
  try {
    if (tls !== undefined) {
      return await bindTls({ ...timeouts, hostname, port, identity: tls });
    }
    return bindPlain(hostname, port);
  } catch (error) {
    if (error instanceof UserError) throw error;
    const needs = `Cannot listen on ${hostname}:${port}: needs a free port of this machine`;
    throw new UserError("config", `${needs}: ${messageOf(error)}`);
  }
}

/** Dials for a bare stream, with the same refusals. */
export async function connectTcp(
  { hostname = LOOPBACK, port, tls, ...timeouts }: Address,
): Promise<Duplex> {
  requirePrivate("dial", { hostname, tls });
  try {
    if (tls !== undefined) return await connectTls({ ...timeouts, hostname, port, identity: tls });
    const connection = await Deno.connect({ hostname, port });
    connection.setNoDelay(true);
    return connection;
  } catch (error) {
    if (error instanceof UserError) throw error;
    const needs = `Cannot dial ${hostname}:${port}: needs a listening peer`;
    throw new ChannelError(`${needs}: ${messageOf(error)}`, { cause: error });
  }
}

const LOOPBACK = "127.0.0.1";

function bindPlain(hostname: string, port: number): PortListener {
  const listener = Deno.listen({ hostname, port });
  const accept = async () => {
    const connection = await listener.accept();
    connection.setNoDelay(true);
    return connection;
  };
  return { port: listener.addr.port, ...listenerOver({ accept, close: () => listener.close() }) };
}

function requirePrivate(
  action: string,
  { hostname, tls }: { hostname: string; tls: TlsIdentity | undefined },
): void {
  const isHere = /^127\.\d+\.\d+\.\d+$/.test(hostname) || ["::1", "localhost"].includes(hostname);
  if (isHere && tls === undefined) return;
  const isWhole = tls !== undefined && [tls.ca, tls.cert, tls.key].every((pem) => pem !== "");
  if (isWhole) return;
  throw new UserError(
    "config",
    tls === undefined
      ? `Cannot ${action} on ${hostname}: needs a loopback address, as ${LOOPBACK}, or certificates`
      : `Cannot ${action} on ${hostname}: needs an authority, a certificate and its key: one is empty`,
  );
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
