/** What one worker receives from another during a step: roots of its own slice, sums of the other's. */
import { bytesOf } from "../base/hash.ts";
import type { Channel, Header } from "../transport/channel.ts";
import type { PeerMapping } from "../transport/mapping.ts";
import type { PeerRegion } from "../transport/region.ts";
import type { Counter } from "./counter.ts";
import { splitHeader } from "./shared.ts";
import type { Slice } from "./slices.ts";
import type { SubtreePart, TreeNode } from "./tree.ts";
import type { PeerVectors } from "./vectors.ts";

/** Another worker. */
export interface PeerParts {
  readonly rank: number;
  readonly channel: Channel;
  /** Chunks that it owns, in order. */
  readonly chunks: readonly Slice[];
  /** Its roots. */
  readonly nodes: readonly TreeNode[];
  /** What it shares of its memory; undefined where all payloads travel in their frames. */
  readonly region: PeerRegion | PeerMapping | undefined;
  /** Where its roots and sums are, or go. */
  readonly vectors: PeerVectors;
  /** Whether it sees the own memory, and says when it is done with that of a step. */
  readonly sees: boolean;
}

/** What a step of one worker shares with what it receives. */
export interface ReceivingStep {
  readonly step: number;
  /** Chunks of the own slice, in order. */
  readonly chunks: readonly Slice[];
  /** Own chunks that are summed, whose buffers are free. */
  readonly summed: Counter;
  /** Chunks of the peer whose roots were sent or are being sent. */
  readonly offered: Counter;
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
  /** Whether the peer may still read the own memory. */
  #reads: boolean;

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
    this.#reads = peer.sees;
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
    const { channel } = this.peer;
    if (this.rootChunks === 0) ready();
    while (this.#isOpen) {
      const frame = await channel.receive((header) => this.#buffer(header));
      if (frame === undefined) throw new Error(`needs ${show(this.#expected())}: it has left`);
      const { header } = frame;
      if (header.type === "done") {
        this.#finish(header);
        continue;
      }
      this.#bytes += frame.payload.length || this.#take(header);
      if (header.type === "sum") this.sums.increase();
      else if (++this.#nodes === this.peer.nodes.length) {
        this.#nodes = 0;
        this.roots.increase();
        if (this.roots.value === this.rootChunks) ready();
      }
    }
  }

  get #isOpen(): boolean {
    return this.roots.value < this.rootChunks || this.sums.value < this.peer.chunks.length ||
      this.#reads;
  }

  /** Takes the peer's word that it has read all of the step. */
  #finish(header: Header): void {
    const { step, chunks, summed } = this.#step;
    const isDue = this.#reads && summed.value === chunks.length;
    requireHeader(isDue ? doneHeader(step) : this.#expected(), header);
    this.#reads = false;
  }

  /** Takes a payload that lies in shared memory, and returns its bytes. */
  #take(placedHeader: Header): number {
    const { header, place } = splitHeader(placedHeader);
    const { region } = this.peer;
    const target = bytesOf(this.#place(header));
    if (place === "mapped" && region?.kind === "mapped") return target.length;
    if (place === undefined || place === "mapped" || region?.kind !== "file") {
      throw new Error(`needs ${show(this.#expected(header.type))}: got no payload`);
    }
    region.take(place, target);
    return target.length;
  }

  /** The peer's roots of an own chunk. */
  partsOf(chunk: number): SubtreePart[] {
    const { nodes, vectors } = this.peer;
    return nodes.map((node, k) => ({ node, data: vectors.root(k, chunk) }));
  }

  /** The buffer for a payload that a frame carries. */
  #buffer(header: Header): Uint8Array {
    // What is mapped is written by the peer alone: a write of this process would end it.
    if (this.peer.region?.kind !== "mapped") return bytesOf(this.#place(header));
    throw new Error(`needs the payload of ${show(header)} in mapped memory: its frame has it`);
  }

  /** Where the payload behind a header goes, or lies. @throws {Error} unless it is the expected one. */
  #place(header: Header): Float32Array {
    requireHeader(this.#expected(header.type), header);
    const { summed, offered } = this.#step;
    const { vectors } = this.peer;
    if (header.type === "sum") {
      if (this.sums.value >= offered.value) {
        throw new Error(`needs its roots before ${show(header)}: they were not sent`);
      }
      return vectors.sum(this.sums.value);
    }
    const chunk = this.roots.value;
    if (chunk >= summed.value + this.#window) {
      throw new Error(`needs room for ${show(header)}: chunk ${summed.value} is not summed`);
    }
    return vectors.root(this.#nodes, chunk);
  }

  /** The next header of a kind; of the other where that kind is complete. */
  #expected(kind = "root"): Header {
    const { step, chunks } = this.#step;
    const root = chunks[this.roots.value];
    const node = this.peer.nodes[this.#nodes];
    const sum = this.peer.chunks[this.sums.value];
    const hasRoot = this.roots.value < this.rootChunks && root !== undefined && node !== undefined;
    if (hasRoot && (kind !== "sum" || sum === undefined)) return rootHeader(step, root, node);
    if (sum !== undefined) return sumHeader(step, sum);
    return this.#reads ? doneHeader(step) : { type: "nothing", step };
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

/** Says that all own sums of a step were read. */
export function doneHeader(step: number): Header {
  return { type: "done", step };
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
