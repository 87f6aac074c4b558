/**
 * Channels over TCP, for processes on several machines, or where no folder is shared. A port is open
 * to strangers: nobody gets a channel here but through the gate, and beyond this machine nobody gets
 * so far without a certificate (src/transport/tls.ts).
 */
import { UserError } from "../base/user_error.ts";
import type { Duplex, Listener } from "./bytes.ts";
import { ChannelError, type FencedChannel } from "./channel.ts";
import { type Gate, type GateOptions, openGate } from "./gate.ts";
import { greet, type Hello, type Terms } from "./handshake.ts";
import { listenerOver } from "./listener.ts";
import { streamChannel } from "./stream.ts";
import { bindTls, connectTls, type TlsIdentity } from "./tls.ts";

/** A place on the network. */
export interface Address {
  /** Name or number of the machine; 127.0.0.1 unless told. */
  readonly hostname?: string;
  readonly port: number;
  /** Certificates, which both ends must show; needed beyond this machine. */
  readonly tls?: TlsIdentity;
  /** Milliseconds for the other end to show its certificate, where it must; 5000 unless told. */
  readonly deadline?: number;
}

/** A listener on a port. */
export interface PortListener extends Listener {
  readonly port: number;
}

/** Who dials, and where. */
export interface Dial extends Address, Terms {
  readonly hello: Hello;
  /** Largest payload of the channel, in bytes; 4 GiB unless told. */
  readonly maxPayload?: number;
}

/**
 * Listens on a port (0 for a free one) and admits through a gate. Refuses (config) an address beyond
 * this machine without certificates, and one that cannot be had.
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

/** Dials a gate and proves itself; ChannelError when nobody is there, or not who has the token. */
export async function dialTcp({ hello, maxPayload, ...dial }: Dial): Promise<FencedChannel> {
  const channel = streamChannel(await connectTcp(dial), {
    attempt: hello.attempt,
    ...(maxPayload !== undefined && { maxPayload }),
  });
  await greet(channel, hello, dial);
  return channel;
}

/** Listens for bare streams, with the same refusals. */
export async function bindTcp(
  { hostname = LOOPBACK, port, tls, ...patience }: Address,
): Promise<PortListener> {
  refuseUnlessClosed("listen", { hostname, tls });
  try {
    if (tls !== undefined) {
      return await bindTls({ ...patience, hostname, port, identity: tls });
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
  { hostname = LOOPBACK, port, tls, ...patience }: Address,
): Promise<Duplex> {
  refuseUnlessClosed("dial", { hostname, tls });
  try {
    if (tls !== undefined) return await connectTls({ ...patience, hostname, port, identity: tls });
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

function refuseUnlessClosed(
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
