/**
 * Channels over Unix sockets, for processes of one user on one machine. Only the owner may access
 * the folder and the socket; peers must still authenticate (src/transport/handshake.ts).
 */
import { dirname } from "node:path";
import { UserError } from "../base/user_error.ts";
import type { Listener } from "./bytes.ts";
import { ChannelError, type ChannelOptions, type FencedChannel } from "./channel.ts";
import { listenerOver } from "./listener.ts";
import { streamChannel } from "./stream.ts";

/** Longest socket path on Linux in bytes: sun_path of unix(7) less the final zero. */
export const MAX_SOCKET_PATH = 107;

/** A listening socket. */
export interface UnixListener {
  /** The next peer. Rejects with ChannelError once closed. */
  accept(): Promise<FencedChannel>;
  /** Stops listening and removes the socket; accepted channels stay open. */
  close(): void;
}

/** As `bindUnix`, for callers that accept each peer themselves. */
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

/** A listener bound to a path. */
interface BoundListener extends Listener {
  /**
   * Resolves once a closed listener has released its path: when a pending accept ends, the runtime
   * removes whatever is at the path, even a new socket.
   */
  released(): Promise<unknown>;
}

/**
 * Listens at a free path, in a folder of mode 0700 that is created if missing. Closing removes the
 * socket. @throws {UserError} `config` for a path that exists or is too long, and for a folder that
 * other users may access.
 */
export async function bindUnix(path: string): Promise<BoundListener> {
  const bytes = new TextEncoder().encode(path).length;
  if (bytes > MAX_SOCKET_PATH) {
    throw cannotListen(path, `a path of at most ${MAX_SOCKET_PATH} bytes: it has ${bytes}`);
  }
  await Deno.mkdir(dirname(path), { recursive: true, mode: 0o700 });
  return await bindThere(path);
}

/** The same in an existing folder. */
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
  /** Settles when no accept is pending. */
  let waiting: Promise<unknown> = Promise.resolve();
  let released = waiting;
  const ended = Promise.withResolvers<never>();
  ended.promise.catch(() => {});
  const close = () => {
    // The runtime removes whatever is at the path, which may be another process's by now.
    if (isFreeOr(path, bound)) {
      listener.close();
      released = waiting;
      // With a pending accept, the runtime removes the socket later or not at all.
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
 * Whether closing a socket removes nothing else: the path is free or has this socket's inode. A
 * race of microseconds remains between this check and the close.
 */
function isFreeOr(path: string, bound: Deno.FileInfo | undefined): boolean {
  const at = lookAt(path);
  if (at === undefined) return true;
  return at.isSocket === true && at.ino === bound?.ino && at.dev === bound?.dev;
}

/** The result of lstat; undefined on any error. */
function lookAt(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.lstatSync(path);
  } catch {
    return undefined;
  }
}

/** A listener that keeps its socket at the path for as long as it is open. */
export interface KeptListener extends Listener {
  /**
   * Binds a new socket if the path has none. Rejects as `bindUnix` does, if the folder is missing,
   * and with the errors of `prepare`.
   */
  mend(): Promise<void>;
}

/** Time between two checks of a kept listener's path, ms. */
const CHECK_MS = 5000;

/** How a listener keeps its path. */
export interface KeepOptions {
  /** Time between two checks of the path, ms (default 5000). */
  readonly interval?: number;
  /** Called before each check; it may recreate the folder. An error ends the check. */
  readonly prepare?: () => void;
}

/**
 * As `bindUnix`, for runs of days: cleanup of temporary folders may remove a socket that was unused
 * for long. A new one is then bound at the same path, once its folder exists. Accepted channels are
 * not affected.
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
    // Leave another socket at the path alone: without the token, its owner fails the handshake.
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

/** Dials a listening socket. @throws {ChannelError} if no process listens there. */
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
