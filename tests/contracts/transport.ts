/** How the contract tests open a transport. */
import type { Duplex } from "../../src/transport/bytes.ts";
import type { ChannelOptions, FencedChannel } from "../../src/transport/channel.ts";

/** Two ends, and what must be closed besides them. */
export interface Pair<B> {
  readonly a: FencedChannel;
  readonly b: B;
  close(): void;
}

/** Opens a transport as two channels, or with raw bytes at the other end. */
export interface Transport {
  pair(options: ChannelOptions): Promise<Pair<FencedChannel>>;
  raw(options: ChannelOptions): Promise<Pair<Duplex>>;
}

/** Runs `body` on a pair that is closed afterwards. */
export async function during<B extends { close(): void }>(
  pair: Pair<B>,
  body: (pair: Pair<B>) => Promise<void>,
): Promise<void> {
  let isOpen = true;
  const close = () => {
    if (!isOpen) return;
    isOpen = false;
    pair.a.close();
    pair.b.close();
    pair.close();
  };
  try {
    await body({ ...pair, close });
  } finally {
    close();
  }
}
