/** What one worker receives from another during a step: roots of its own slice, sums of the other's. */
import { bytesOf } from "../base/hash.ts";
import type { Channel, Header } from "../transport/channel.ts";
import type { PeerRegion } from "../transport/region.ts";
import type { Counter } from "./counter.ts";
import { splitHeader } from "./shared.ts";
import type { Slice } from "./slices.ts";
import type { SubtreePart, TreeNode } from "./tree.ts";

/** Another worker. */
export interface PeerParts {
  readonly rank: number;
  readonly channel: Channel;
  /** Chunks of its slice, in order. */
  readonly chunks: readonly Slice[];
  /** Its roots. */
  readonly nodes: readonly TreeNode[];
  /** What it shares of its memory; undefined where all payloads travel in their frames. */
  readonly region: PeerRegion | undefined;
  /** Buffers for each of its roots, for chunks by their number modulo the window. */
  readonly rings: readonly (readonly Float32Array[])[];
}

/** What a step of one worker shares with what it receives. */
export interface ReceivingStep {
  readonly step: number;
  /** Chunks of the own slice, in order. */
  readonly chunks: readonly Slice[];
  /** Own chunks that are summed, whose buffers are free. */
  readonly summed: Counter;
  /** Chunks of the peer's slice whose roots were sent or are being sent. */
  readonly offered: Counter;
  /** Receives the sums. */
  readonly result: Float32Array;
}

/** The frames of one peer in one step. */
export class Incoming {
  readonly peer: PeerParts;
  /** Own chunks for which all roots of the peer are there. */
  readonly roots: Counter;
  /** Chunks of the peer whose sums are there. */
  readonly sums: Counter;
  readonly #step: ReceivingStep;
  readonly #window: number;
  /** Roots of the current chunk that are there. */
  #nodes = 0;
  #bytes = 0;

  constructor(
    peer: PeerParts,
    step: ReceivingStep,
    { roots, sums, window }: { roots: Counter; sums: Counter; window: number },
  ) {
    this.peer = peer;
    this.roots = roots;
    this.sums = sums;
    this.#step = step;
    this.#window = window;
  }

  /** Bytes of payload so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Own chunks for which the peer sends roots: none where it computes no micro-batch. */
  get rootChunks(): number {
    return this.peer.nodes.length === 0 ? 0 : this.#step.chunks.length;
  }

  /** Receives everything. `ready` is called when all roots are there. */
  async receive(ready: () => void): Promise<void> {
    const { channel, chunks } = this.peer;
    if (this.rootChunks === 0) ready();
    while (this.roots.value < this.rootChunks || this.sums.value < chunks.length) {
      const frame = await channel.receive((header) => bytesOf(this.#place(header)));
      if (frame === undefined) throw new Error(`needs ${show(this.#expected())}: it has left`);
      const { header } = frame;
      this.#bytes += frame.payload.length || this.#take(header);
      if (header.type === "sum") this.sums.increase();
      else if (++this.#nodes === this.peer.nodes.length) {
        this.#nodes = 0;
        this.roots.increase();
        if (this.roots.value === this.rootChunks) ready();
      }
    }
  }

  /** Takes a payload that lies in shared memory, and returns its bytes. */
  #take(placedHeader: Header): number {
    const { header, placed } = splitHeader(placedHeader);
    const { region } = this.peer;
    if (placed === undefined || region === undefined) {
      throw new Error(`needs ${show(this.#expected(header.type))}: got no payload`);
    }
    const target = bytesOf(this.#place(header));
    region.take(placed, target);
    return target.length;
  }

  /** The peer's roots of an own chunk. */
  partsOf(chunk: number): SubtreePart[] {
    const { nodes, rings } = this.peer;
    const { start, end } = this.#step.chunks[chunk] as Slice;
    return nodes.map((node, k) => ({
      node,
      data: (rings[k]?.[chunk % this.#window] as Float32Array).subarray(0, end - start),
    }));
  }

  /** The buffer for the payload behind a header. @throws {Error} unless it is the expected one. */
  #place(header: Header): Float32Array {
    requireHeader(this.#expected(header.type), header);
    const { summed, offered, result } = this.#step;
    if (header.type === "sum") {
      if (this.sums.value >= offered.value) {
        throw new Error(`needs its roots before ${show(header)}: they were not sent`);
      }
      const { start, end } = this.peer.chunks[this.sums.value] as Slice;
      return result.subarray(start, end);
    }
    const chunk = this.roots.value;
    if (chunk >= summed.value + this.#window) {
      throw new Error(`needs room for ${show(header)}: chunk ${summed.value} is not summed`);
    }
    return (this.partsOf(chunk)[this.#nodes] as SubtreePart).data;
  }

  /** The next header of a kind; of the other where that kind is complete. */
  #expected(kind = "root"): Header {
    const { step, chunks } = this.#step;
    const root = chunks[this.roots.value];
    const node = this.peer.nodes[this.#nodes];
    const sum = this.peer.chunks[this.sums.value];
    const hasRoot = this.roots.value < this.rootChunks && root !== undefined && node !== undefined;
    if (hasRoot && (kind !== "sum" || sum === undefined)) return rootHeader(step, root, node);
    return sum === undefined ? { type: "nothing", step } : sumHeader(step, sum);
  }
}

/** The header of the roots of a chunk. */
export function rootHeader(step: number, { start, end }: Slice, node: TreeNode): Header {
  return { type: "root", step, start, end, level: node.level, index: node.index };
}

/** The header of the sum of a chunk. */
export function sumHeader(step: number, { start, end }: Slice): Header {
  return { type: "sum", step, start, end };
}

/** @throws {Error} unless the headers are equal. */
function requireHeader(expected: Header, got: Header): void {
  const keys = Object.keys(expected);
  const isSame = keys.length === Object.keys(got).length &&
    keys.every((key) => expected[key] === got[key]);
  if (!isSame) throw new Error(`needs ${show(expected)}: got ${show(got)}`);
}

/** At most 200 characters of a header. */
function show(header: Header): string {
  return JSON.stringify(header).slice(0, 200);
}
