/**
 * Channels over Unix sockets, for processes of one user on one machine. The folder and the socket are
 * for the owner alone; who the peer is must still be proven (src/transport/handshake.ts).
 */
import { dirname } from "node:path";
import { UserError } from "../base/user_error.ts";
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

/** A listener at a path. */
interface BoundListener extends Listener {
  /**
   * Resolves once a closed listener has let go of its path: the runtime removes whatever lies there
   * when a pending accept has ended, a new socket as well.
   */
  released(): Promise<unknown>;
}

/**
 * Listens at a path that must be free, in a folder of mode 0700 that is made when missing. Refuses
 * (config) a path that is taken or too long, and a folder that others may enter. Closing removes the
 * socket.
 */
export async function bindUnix(path: string): Promise<BoundListener> {
  const bytes = new TextEncoder().encode(path).length;
  if (bytes > MAX_SOCKET_PATH) {
    throw cannotListen(path, `a path of at most ${MAX_SOCKET_PATH} bytes: it has ${bytes}`);
  }
  await Deno.mkdir(dirname(path), { recursive: true, mode: 0o700 });
  return await bindThere(path);
}

/** The same in a folder that must be there. */
async function bindThere(path: string): Promise<BoundListener> {
  const folder = dirname(path);
  const info = await Deno.lstat(folder);
  if (!info.isDirectory) throw cannotListen(path, "a folder: it is a link");
  const mode = (info.mode ?? 0) & 0o777;
  if ((mode & 0o077) !== 0) {
    throw cannotListen(path, `a folder of its owner alone: its mode is 0${mode.toString(8)}`);
  }
  const listener = bind(path);
  const bound = lookAt(path);
  await Deno.chmod(path, 0o600);
  /** Over once the runtime waits for nobody any more. */
  let waiting: Promise<unknown> = Promise.resolve();
  let released = waiting;
  const ended = Promise.withResolvers<never>();
  ended.promise.catch(() => {});
  const close = () => {
    // The runtime removes whatever is at the path, which another folder may hold by now.
    if (isFreeOr(path, bound)) {
      listener.close();
      released = waiting;
      // With a caller that still waits the runtime removes it a moment later, or not at all.
      if (isFreeOr(path, bound)) unlink(path);
    } else listener.unref();
    ended.reject(new Error("closed"));
  };
  const accept = () => {
    const next = listener.accept();
    waiting = next.catch(() => {});
    return Promise.race([next, ended.promise]);
  };
  return { ...listenerOver({ accept, close }), released: () => released };
}

/**
 * Whether closing a socket removes nothing else: it lies at its path, or nothing does. Between this and
 * the closing remains a window of microseconds. A socket that is bound keeps its inode, wherever it lies.
 */
function isFreeOr(path: string, bound: Deno.FileInfo | undefined): boolean {
  const at = lookAt(path);
  if (at === undefined) return true;
  return at.isSocket === true && at.ino === bound?.ino && at.dev === bound?.dev;
}

/** What lies at a path; undefined where nothing does, or nothing can be reached. */
function lookAt(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.lstatSync(path);
  } catch {
    return undefined;
  }
}

/** A listener that others reach by its path for as long as it is open. */
export interface KeptListener extends Listener {
  /**
   * Binds a new socket if there is none at the path any more. Rejects as `bindUnix` does, if the
   * folder is missing, and with the errors of `prepare`.
   */
  mend(): Promise<void>;
}

/** Time between two checks of the path of a kept listener, ms. */
const CHECK_MS = 5000;

/** How a listener keeps its path. */
export interface KeepOptions {
  /** Time between two checks of the path, ms (default 5000). */
  readonly interval?: number;
  /** Called before each check; it may recreate the folder. An error ends the check. */
  readonly prepare?: () => void;
}

/**
 * As `bindUnix`, for runs of days: a cleaner of temporary folders may remove a socket that was not used
 * for long. A new one is then bound at the same path, once its folder exists. Accepted channels are not
 * affected.
 */
export async function keepUnix(
  path: string,
  { interval = CHECK_MS, prepare = () => {} }: KeepOptions = {},
): Promise<KeptListener> {
  let listener = await bindUnix(path);
  let isClosed = false;
  let mending = Promise.resolve();
  let renewed = Promise.withResolvers<void>();
  const rebind = async () => {
    if (isClosed) return;
    prepare();
    // A cleaner removes a socket and creates none. Another socket at the path is left alone: its owner
    // fails the handshake without the token.
    if (isSocketAt(path)) return;
    listener.close();
    await listener.released();
    listener = await bindThere(path);
    if (isClosed) listener.close();
    renewed.resolve();
    renewed = Promise.withResolvers();
  };
  const mend = () => mending = mending.catch(() => {}).then(rebind);
  // If this fails, the next check or the next caller of mend() tries again.
  const timer = setInterval(() => mend().catch(() => {}), interval);
  Deno.unrefTimer(timer);
  return {
    async accept() {
      while (!isClosed) {
        const current = listener;
        const duplex = await current.accept();
        if (duplex !== undefined) return duplex;
        if (current === listener && !isClosed) await renewed.promise;
      }
      return undefined;
    },
    mend,
    close() {
      isClosed = true;
      clearInterval(timer);
      listener.close();
      renewed.resolve();
    },
  };
}

function isSocketAt(path: string): boolean {
  try {
    return Deno.lstatSync(path).isSocket === true;
  } catch {
    return false;
  }
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
    // It is gone already.
  }
}

function cannotListen(path: string, why: string): UserError {
  return new UserError("config", `Cannot listen on ${path}: needs ${why}`);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
