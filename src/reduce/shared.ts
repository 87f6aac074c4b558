/**
 * Payloads of an all-reduce in memory that workers share, in one of two ways.
 *
 * Mapped: a worker's roots lie whole in pages that the others see, and so do the sums of its slices,
 * in place of its first root. Nothing is copied: a frame says that a chunk is there. All may be
 * written again once every reader has said that it is done with the step.
 *
 * A file: each worker copies to a region of its own, for each other worker a window of chunks of its
 * roots, and for all together a window of chunks of sums. A place is free for the next chunk without a
 * message: an owner sends the sum of a chunk after it has read the roots, and a worker sends the roots
 * of a chunk after it has read the sum of the chunk one window before.
 */
import type { Header } from "../transport/channel.ts";
import type { OwnMapping, PeerMapping } from "../transport/mapping.ts";
import type { OwnRegion, PeerRegion, Placed } from "../transport/region.ts";
import type { MicroBatchRange } from "./assign.ts";
import { divide, type Division, type ExchangeShape, ownRoots, rootBytes } from "./division.ts";
import { cover } from "./tree.ts";

/** Payloads below this many bytes travel in their frame and not by the file: one write instead of two. */
const LEAST_BYTES = 64 * 1024;

/** The shared memory of one worker in one attempt. */
export interface SharedMemory {
  /** Undefined where there is none: own payloads travel in their frames. */
  readonly own: OwnRegion | OwnMapping | undefined;
  /** Regions of the others by rank; undefined where this worker cannot read one. */
  readonly peers: readonly (PeerRegion | PeerMapping | undefined)[];
  /** By rank, whether the other reads the own region. */
  readonly read: readonly boolean[];
}

/** Bytes that a worker maps: its roots, whole. */
export function mappedBytes({ rank, ranges, length }: ExchangeShape): number {
  const { first, count } = ranges[rank] as MicroBatchRange;
  return ownRoots(cover(first, count)) * rootBytes(length);
}

/** Bytes of a worker's file; 0 where all payloads are small and travel in their frames. */
export function fileBytes(shape: ExchangeShape): number {
  const { nodes, window, largest } = divide(shape);
  if (4 * largest < LEAST_BYTES) return 0;
  const roots = nodes[shape.rank]?.length ?? 0;
  return ((shape.ranges.length - 1) * roots + 1) * window * 4 * largest;
}

/** Where the payload of a frame lies, if not behind its header. */
export type PayloadPlace = Placed | "mapped";

/** What a worker lets others read of its memory. */
export interface Offer {
  /** Makes a chunk of an own root readable for a rank; undefined where its frame must carry it. */
  root(
    rank: number,
    at: { root: number; chunk: number },
    bytes: Uint8Array,
  ): PayloadPlace | undefined;
  /** Makes the sum of an own chunk readable; undefined where no rank reads it. */
  sum(at: { chunk: number }, bytes: Uint8Array): PayloadPlace | undefined;
  /** Whether a rank reads the own memory. */
  isRead(rank: number): boolean;
}

/** What a worker offers of its memory; nothing without any. */
export function offerOf(
  shared: SharedMemory | undefined,
  shape: ExchangeShape,
  { nodes, window, largest }: Division,
): Offer {
  const { own, read } = shared ?? {};
  if (own?.kind === "mapped") return new MappedOffer(read ?? []);
  return new FileOffer(own, {
    // A worker without roots never says that it has read a sum.
    read: shape.ranges.map(({ count }, rank) => read?.[rank] === true && count > 0),
    others: shape.ranges.flatMap((_, rank) => rank === shape.rank ? [] : [rank]),
    roots: nodes[shape.rank]?.length ?? 0,
    window,
    place: 4 * largest,
  });
}

/** Whole roots and sums, which others see. */
class MappedOffer implements Offer {
  readonly #read: readonly boolean[];

  constructor(read: readonly boolean[]) {
    this.#read = read;
  }

  root(rank: number): PayloadPlace | undefined {
    return this.isRead(rank) ? "mapped" : undefined;
  }

  sum(): PayloadPlace | undefined {
    return this.#read.includes(true) ? "mapped" : undefined;
  }

  isRead(rank: number): boolean {
    return this.#read[rank] === true;
  }
}

/** The places of a worker's file. */
interface FileLayout {
  /** By rank, whether it reads the file. */
  readonly read: readonly boolean[];
  /** Ranks of the others. */
  readonly others: readonly number[];
  /** Own roots. */
  readonly roots: number;
  /** Chunks of a window. */
  readonly window: number;
  /** Bytes of a chunk. */
  readonly place: number;
}

/** Chunks that are copied to a file. */
class FileOffer implements Offer {
  readonly #region: OwnRegion | undefined;
  readonly #layout: FileLayout;

  constructor(region: OwnRegion | undefined, layout: FileLayout) {
    this.#region = region;
    this.#layout = layout;
  }

  root(
    rank: number,
    { root, chunk }: { root: number; chunk: number },
    bytes: Uint8Array,
  ): PayloadPlace | undefined {
    const { others, roots, window } = this.#layout;
    if (!this.#shares(rank, bytes)) return undefined;
    return this.#put((others.indexOf(rank) * roots + root) * window + chunk % window, bytes);
  }

  sum({ chunk }: { chunk: number }, bytes: Uint8Array): PayloadPlace | undefined {
    const { others, roots, window } = this.#layout;
    if (!others.some((rank) => this.#shares(rank, bytes))) return undefined;
    return this.#put(others.length * roots * window + chunk % window, bytes);
  }

  isRead(rank: number): boolean {
    return this.#region !== undefined && this.#layout.read[rank] === true;
  }

  #put(place: number, bytes: Uint8Array): Placed | undefined {
    return this.#region?.put(place * this.#layout.place, bytes);
  }

  /** Whether a rank takes such a payload from the file. */
  #shares(rank: number, { length }: Uint8Array): boolean {
    return length >= LEAST_BYTES && this.isRead(rank);
  }
}

/** A header that says where its payload lies. */
export function placedHeader(header: Header, place: PayloadPlace): Header {
  return place === "mapped" ? { ...header, mapped: true } : { ...header, ...place };
}

/** A header without its place, and the place if it has one. */
export function splitHeader({ at, crc, mapped, ...header }: Header): {
  readonly header: Header;
  readonly place: PayloadPlace | undefined;
} {
  const isPlaced = Number.isSafeInteger(at) && Number.isSafeInteger(crc);
  const placed = isPlaced ? { at: at as number, crc: crc as number } : undefined;
  return { header: header as Header, place: mapped === true ? "mapped" : placed };
}
