/** Gives the members of a quorum memory to share, through which payloads are exchanged. */
import { join } from "node:path";
import type { ExchangeShape } from "../../src/reduce/division.ts";
import type { ExchangeWay } from "../../src/reduce/schema.ts";
import { fileBytes, mappedBytes, type SharedMemory } from "../../src/reduce/shared.ts";
import { canMap } from "../../src/reduce/vectors.ts";
import { type Channel, ChannelError } from "../../src/transport/channel.ts";
import { type Libc, openLibc } from "../../src/transport/libc.ts";
import { OwnMapping, PeerMapping } from "../../src/transport/mapping.ts";
import { OwnRegion, PeerRegion } from "../../src/transport/region.ts";

/** Names of regions: those of a peer are paths of this process, so nothing else is taken. */
const NAME = /^region-\d+-\d+$/;

/** Where and how memory is shared. */
export interface SharePlace {
  /** A folder that all members read and write. */
  readonly folder: string;
  readonly attempt: number;
  /** The C library; default: the system's, where it may be used. */
  readonly libc?: (() => Libc | undefined) | undefined;
}

/** The memory that a worker shares, and how its payloads travel. */
export interface Sharing {
  /** Undefined where all payloads travel in their frames. */
  readonly memory: SharedMemory | undefined;
  readonly way: ExchangeWay;
  /** Why it is not the way that was asked for. */
  readonly why?: string | undefined;
}

/**
 * Makes the own memory, opens that of the others, and removes its name, if it has one, once all have
 * opened it. What cannot be mapped is shared as a file, and what cannot be shared is left out: those
 * payloads travel in their frames. `heard` is told each rank whose answer is there.
 * @throws {ChannelError} when a member leaves meanwhile.
 */
export async function openShared(
  peers: readonly (Channel | undefined)[],
  shape: ExchangeShape,
  place: SharePlace,
  heard: (rank: number) => void = () => {},
): Promise<Sharing> {
  using opened = new DisposableStack();
  const { way: asked = "sockets" } = shape;
  const { libc, why } = mapper(shape, place);
  const name = `region-${place.attempt}-${shape.rank}`;
  const own = ownMemory(shape, { path: join(place.folder, name), libc });
  if (own !== undefined) opened.use(own);
  const told = await exchanged(peers, announced(own, name));
  const regions = told.map((header, rank) => {
    const bytes = mappedBytes({ ...shape, rank });
    const region = header && openPeer(header, { folder: place.folder, libc, bytes });
    return region && opened.use(region);
  });
  const answers = await exchanged(
    peers,
    (other) => ({ type: "region_read", reads: regions[other] !== undefined }),
    heard,
  );
  if (own?.kind === "file") own.unlink();
  const read = answers.map((header) => own !== undefined && header?.["reads"] === true);
  const wayOf = (rank: number) => read[rank] ? WAY_OF[own?.kind ?? "none"] : "sockets";
  const ways = peers.flatMap((channel, rank) => channel === undefined ? [] : [wayOf(rank)]);
  const way = ORDER.find((each) => ways.includes(each)) ?? "sockets";
  // Small payloads travel in their frames in any case.
  const isSmall = asked === "file" && fileBytes(shape) === 0;
  const isWanted = isSmall || way === asked;
  const sharing = { way, ...!isWanted && { why: why ?? "a worker could not share its memory" } };
  if (own === undefined && regions.every((region) => region === undefined)) {
    return { ...sharing, memory: undefined };
  }
  opened.move(); // from here on closeShared() releases all
  return { ...sharing, memory: { own, peers: regions, read } };
}

/** Ways, the slowest first. */
const ORDER: readonly ExchangeWay[] = ["sockets", "file", "mmap"];
const WAY_OF = { mapped: "mmap", file: "file", none: "sockets" } as const;

/** Releases the memory of an attempt. */
export function closeShared({ own, peers }: SharedMemory): void {
  own?.[Symbol.dispose]();
  for (const region of peers) region?.[Symbol.dispose]();
}

/** The C library where memory is to be mapped; or why it cannot be. */
function mapper(
  shape: ExchangeShape,
  { libc: open = openLibc }: SharePlace,
): { readonly libc?: Libc; readonly why?: string } {
  if (shape.way !== "mmap") return {};
  if (!canMap(shape)) return { why: "the gradients of all workers need more than 4 GiB" };
  const libc = open();
  return libc === undefined ? { why: "the C library is not found or not permitted" } : { libc };
}

function ownMemory(
  shape: ExchangeShape,
  { path, libc }: { path: string; libc: Libc | undefined },
): OwnRegion | OwnMapping | undefined {
  const { way = "sockets" } = shape;
  if (way === "sockets") return undefined;
  const mapped = libc && OwnMapping.create(libc, mappedBytes(shape));
  if (mapped !== undefined) return mapped;
  const bytes = fileBytes(shape);
  return bytes === 0 ? undefined : OwnRegion.create(path, bytes);
}

/** What a worker tells the others of its memory. */
function announced(own: OwnRegion | OwnMapping | undefined, name: string): Message {
  if (own?.kind === "mapped") {
    const { pid, file } = own.address;
    return { type: "region", name: "", pid, file };
  }
  return { type: "region", name: own === undefined ? "" : name };
}

function openPeer(
  { name, pid, file }: { readonly [key: string]: unknown },
  { folder, libc, bytes }: { folder: string; libc: Libc | undefined; bytes: number },
): PeerRegion | PeerMapping | undefined {
  if (typeof pid === "number" && typeof file === "number") {
    return libc && PeerMapping.open(libc, { pid, file, bytes });
  }
  return NAME.test(String(name)) ? PeerRegion.open(join(folder, String(name))) : undefined;
}

type Message = { readonly type: string; readonly [key: string]: string | boolean | number };

/** Sends a message to all peers, and returns theirs of the same type by rank. */
async function exchanged(
  peers: readonly (Channel | undefined)[],
  message: Message | ((other: number) => Message),
  heard: (rank: number) => void = () => {},
) {
  return await Promise.all(peers.map(async (channel, other) => {
    if (channel === undefined) return undefined;
    const own = typeof message === "function" ? message(other) : message;
    await channel.send(own);
    const frame = await channel.receive();
    if (frame?.header.type === own.type) {
      heard(other);
      return frame.header;
    }
    const got = frame === undefined ? "it has left" : `got ${frame.header.type}`;
    throw new ChannelError(`Cannot share memory with rank ${other}: needs its ${own.type}: ${got}`);
  }));
}
