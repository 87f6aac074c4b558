/** Connects worker processes over Unix sockets: each dials the lower ranks and is dialed by the higher. */
import { ChannelError } from "../../src/transport/channel.ts";
import type { FencedChannel } from "../../src/transport/channel.ts";
import { openGate } from "../../src/transport/gate.ts";
import { greet } from "../../src/transport/handshake.ts";
import { dialUnix, keepUnix } from "../../src/transport/unix.ts";
import type { Meet } from "./quorum.ts";
import { Lobby } from "./lobby.ts";

/** What a worker needs to connect to others. */
export interface MeetingOptions {
  /** Path of the socket of a worker slot. */
  readonly socket: (workerId: number) => string;
  readonly workerId: number;
  readonly token: Uint8Array;
}

/**
 * Deadline of a handshake with a process that this one dials, ms: its device may block the event loop.
 * The coordinator detects hung workers sooner. Processes that dial this one may be strangers, so they
 * have the shorter deadline of the gate.
 */
export const DIALED_MS = 120_000;
/** Pause between two attempts to dial, ms. */
const PAUSE = 10;

/** Opens the own socket; returns the function that connects the worker to a quorum. */
export async function openMeeting({ socket, workerId, token }: MeetingOptions): Promise<Meet> {
  const lobby = new Lobby();
  const listener = await keepUnix(socket(workerId));
  openGate(listener, {
    token,
    admitted: (channel, { attempt, rank }) => lobby.enter(channel, { attempt, rank }),
  });
  return async ({ attempt, rank, members, signal, met }) => {
    try {
      await listener.mend();
    } catch (error) {
      // The coordinator recreates the folder before each quorum, so the next one may succeed.
      const why = error instanceof Error ? error.message : String(error);
      throw new ChannelError(`Cannot listen for peers: ${why}`, { cause: error });
    }
    const meetings: Promise<FencedChannel>[] = members.flatMap(({ workerId: other }, peer) => {
      if (peer === rank) return [];
      const meeting = peer > rank
        ? lobby.meet(attempt, peer, signal)
        : dial(socket(other), { attempt, rank, token, signal });
      return [meeting.then((channel) => {
        met(peer);
        return channel;
      })];
    });
    try {
      const channels = await Promise.all(meetings);
      return members.map((_, peer) =>
        peer === rank ? undefined : channels[peer < rank ? peer : peer - 1]
      );
    } catch (error) {
      for (const each of meetings) each.then((channel) => channel.close()).catch(() => {});
      throw error;
    }
  };
}

/** Dials until the peer has authenticated itself, or until the signal is aborted. */
async function dial(
  path: string,
  { attempt, rank, token, signal }: {
    attempt: number;
    rank: number;
    token: Uint8Array;
    signal: AbortSignal;
  },
): Promise<FencedChannel> {
  while (true) {
    if (signal.aborted) throw new ChannelError("Cannot dial: another quorum follows");
    let channel: FencedChannel | undefined;
    const leave = () => channel?.close();
    try {
      channel = await dialUnix(path, { attempt });
      signal.addEventListener("abort", leave, { once: true });
      await greet(channel, { rank, attempt }, { token, deadline: DIALED_MS });
      return channel;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    } finally {
      signal.removeEventListener("abort", leave);
    }
  }
}
