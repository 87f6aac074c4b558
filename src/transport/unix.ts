/**
 * Channels over Unix sockets, for processes of one user on one machine. The folder and the socket are
 * for the owner alone; who the peer is must still be proven (src/transport/handshake.ts).
 */
import { dirname } from "node:path";
import { Refusal } from "../base/refusal.ts";
import type { Listener } from "./bytes.ts";
import { ChannelError, type ChannelOptions, type FencedChannel } from "./channel.ts";
import { listenerOver } from "./listener.ts";
import { streamChannel } from "./stream.ts";

/** Bytes of a socket's path that Linux can hold: sun_path of unix(7), less the closing zero. */
export const MAX_SOCKET_PATH = 107;

/** A socket that others can dial. */
export interface UnixListener {
  /** The next peer that dials. Rejects with ChannelError once closed. */
  accept(): Promise<FencedChannel>;
  /** Stops listening and removes the socket; accepted channels live on. */
  close(): void;
}

/** The same as `bindUnix`, for owners who take each peer by hand. */
export async function listenUnix(path: string, options: ChannelOptions): Promise<UnixListener> {
  const listener = await bindUnix(path);
  return {
    async accept() {
      const needs = `Cannot accept on ${path}: needs an open socket`;
      const duplex = await listener.accept().catch((error) => {
        throw new ChannelError(`${needs}: ${messageOf(error)}`, { cause: error });
      });
      if (duplex === undefined) throw new ChannelError(`${needs}: it is closed`);
      return streamChannel(duplex, options);
    },
    close: () => listener.close(),
  };
}

/**
 * Listens at a path that must be free, in a folder of mode 0700 that is made when missing. Refuses
 * (config) a path that is taken or too long, and a folder that others may enter. Closing removes the
 * socket.
 */
export async function bindUnix(path: string): Promise<Listener> {
  const bytes = new TextEncoder().encode(path).length;
  if (bytes > MAX_SOCKET_PATH) {
    throw cannotListen(path, `a path of at most ${MAX_SOCKET_PATH} bytes: it has ${bytes}`);
  }
  const folder = dirname(path);
  await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
  const mode = ((await Deno.stat(folder)).mode ?? 0) & 0o777;
  if ((mode & 0o077) !== 0) {
    throw cannotListen(path, `a folder of its owner alone: its mode is 0${mode.toString(8)}`);
  }
  const listener = bind(path);
  await Deno.chmod(path, 0o600);
  const ends = { accept: () => listener.accept(), close: () => listener.close() };
  return listenerOver(ends, () => unlink(path));
}

/** Dials a listening socket. ChannelError when nobody listens there. */
export async function dialUnix(path: string, options: ChannelOptions): Promise<FencedChannel> {
  try {
    return streamChannel(await Deno.connect({ transport: "unix", path }), options);
  } catch (error) {
    const needs = `Cannot dial ${path}: needs a listening socket`;
    throw new ChannelError(`${needs}: ${messageOf(error)}`, { cause: error });
  }
}

function bind(path: string): Deno.UnixListener {
  try {
    return Deno.listen({ transport: "unix", path });
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    throw cannotListen(path, "a free path: something is there already");
  }
}

function unlink(path: string): void {
  try {
    Deno.removeSync(path);
  } catch {
    // Its folder may be gone already, or closed: whatever it was for is over.
  }
}

function cannotListen(path: string, why: string): Refusal {
  return new Refusal("config", `Cannot listen on ${path}: needs ${why}`);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
