/**
 * Payloads of an all-reduce in shared memory. Each worker writes to a region of its own: for each other
 * worker a window of chunks of its roots, and for all together a window of chunks of sums.
 *
 * A place is free for the next chunk without a message: an owner sends the sum of a chunk after it has
 * read the roots, and a worker sends the roots of a chunk after it has read the sum of the chunk one
 * window before.
 */
import type { Header } from "../transport/channel.ts";
import type { OwnRegion, PeerRegion, Placed } from "../transport/region.ts";

/** Payloads below this many bytes travel in their frame: one small write instead of two. */
const LEAST_BYTES = 64 * 1024;

/** The shared memory of one worker in one attempt. */
export interface SharedMemory {
  /** Undefined where there is none: own payloads travel in their frames. */
  readonly own: OwnRegion | undefined;
  /** Regions of the others by rank; undefined where this worker cannot read one. */
  readonly peers: readonly (PeerRegion | undefined)[];
  /** By rank, whether the other reads the own region. */
  readonly read: readonly boolean[];
}

/** The places of a worker's region. */
export interface RegionLayout {
  /** Ranks of the others. */
  readonly others: readonly number[];
  /** Own roots. */
  readonly roots: number;
  /** Chunks of a window. */
  readonly window: number;
  /** Bytes of a chunk. */
  readonly chunk: number;
}

/** Bytes of a region; 0 where no payload would be shared. */
export function regionBytes({ others, roots, window, chunk }: RegionLayout): number {
  return chunk < LEAST_BYTES ? 0 : (others.length * roots + 1) * window * chunk;
}

/** What a worker puts into its region. */
export class SharedSender {
  readonly #memory: SharedMemory | undefined;
  readonly #layout: RegionLayout;

  /** Without `memory` all payloads travel in their frames. */
  constructor(memory: SharedMemory | undefined, layout: RegionLayout) {
    this.#memory = memory;
    this.#layout = layout;
  }

  /** Writes a chunk of an own root for a rank to the region; undefined where it must go in its frame. */
  root(
    rank: number,
    { root, chunk }: Chunk & { root: number },
    bytes: Uint8Array,
  ): Placed | undefined {
    const { others, roots, window } = this.#layout;
    if (!this.#shares(rank, bytes)) return undefined;
    const place = (others.indexOf(rank) * roots + root) * window + chunk % window;
    return this.#memory?.own?.put(place * this.#layout.chunk, bytes);
  }

  /** Writes the sum of an own chunk to the region; undefined where no rank reads it. */
  sum({ chunk }: Chunk, bytes: Uint8Array): Placed | undefined {
    const { others, roots, window } = this.#layout;
    if (!others.some((rank) => this.#shares(rank, bytes))) return undefined;
    const place = others.length * roots * window + chunk % window;
    return this.#memory?.own?.put(place * this.#layout.chunk, bytes);
  }

  /** Whether a rank reads the own region. */
  isRead(rank: number): boolean {
    return this.#memory?.read[rank] === true;
  }

  /** Whether a rank takes such a payload from the region. */
  #shares(rank: number, { length }: Uint8Array): boolean {
    return length >= LEAST_BYTES && this.isRead(rank);
  }
}

interface Chunk {
  /** Its number within its slice. */
  readonly chunk: number;
}

/** A header that says where its payload lies. */
export function placedHeader(header: Header, { at, crc }: Placed): Header {
  return { ...header, at, crc };
}

/** A header without its place, and the place if it has one. */
export function splitHeader({ at, crc, ...header }: Header): {
  readonly header: Header;
  readonly placed: Placed | undefined;
} {
  const isPlaced = Number.isSafeInteger(at) && Number.isSafeInteger(crc);
  const placed = isPlaced ? { at: at as number, crc: crc as number } : undefined;
  return { header: header as Header, placed };
}
