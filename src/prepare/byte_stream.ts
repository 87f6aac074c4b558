/**
 * A byte stream of a file with peek and take, decompressed if it is a gzip file. Buffers little
 * more than the bytes peeked.
 */
import { createGunzip } from "node:zlib";
import { Readable } from "node:stream";
import { UserError } from "../base/user_error.ts";
import { type Input, readFault } from "./inputs.ts";

/** Bytes per read. */
const CHUNK = 1 << 20;

/** Options of {@linkcode ByteStream}. */
export interface StreamOptions {
  /** First byte, in decompressed offsets. */
  readonly from?: number;
  /** Called with each chunk as stored on disk; valid only during the call. */
  readonly raw?: (bytes: Uint8Array) => void;
}

/** A stream of a file's bytes. */
export class ByteStream implements AsyncDisposable {
  readonly #name: string;
  readonly #chunks: AsyncGenerator<Uint8Array>;
  #buffer = new Uint8Array(2 * CHUNK);
  #start = 0;
  #end = 0;
  #ended = false;
  #position: number;
  #skip: number;

  /** The file is opened at the first peek. */
  constructor(input: Input, { from = 0, raw = () => {} }: StreamOptions = {}) {
    this.#name = input.name;
    this.#position = from;
    // A gzip file cannot be read from the middle.
    this.#skip = input.packed ? from : 0;
    const bytes = readChunks(input.path, { from: input.packed ? 0 : from, raw });
    this.#chunks = input.packed ? unpacked(bytes) : bytes;
  }

  /** Offset of the next byte, decompressed. */
  get position(): number {
    return this.#position;
  }

  /**
   * The next `n` bytes, fewer only at the end of the file; valid until the next call. @throws
   * {UserError} `noInput` for a missing file, `data` for a damaged gzip file.
   */
  async peek(n: number): Promise<Uint8Array> {
    while (this.#end - this.#start < n && !this.#ended) await this.#pull(n);
    return this.#buffer.subarray(this.#start, Math.min(this.#end, this.#start + n));
  }

  /** Consumes `n` peeked bytes. */
  take(n: number): void {
    this.#start += n;
    this.#position += n;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#chunks.return(undefined);
  }

  async #pull(n: number): Promise<void> {
    const { done, value } = await this.#next();
    if (done) {
      this.#ended = true;
      return;
    }
    const skipped = Math.min(this.#skip, value.length);
    this.#skip -= skipped;
    const chunk = value.subarray(skipped);
    this.#makeRoom(chunk.length, n);
    this.#buffer.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  async #next(): Promise<IteratorResult<Uint8Array>> {
    try {
      return await this.#chunks.next();
    } catch (error) {
      if (error instanceof Error && "code" in error && String(error.code).startsWith("Z_")) {
        throw new UserError(
          "data",
          `Cannot read ${this.#name}: need a whole gzip file: ${error.message}`,
        );
      }
      throw readFault(this.#name, error);
    }
  }

  /** Makes room for `more` bytes: moves the buffered bytes to the front, or grows. */
  #makeRoom(more: number, wanted: number): void {
    if (this.#end + more <= this.#buffer.length) return;
    const held = this.#buffer.subarray(this.#start, this.#end);
    const need = Math.max(held.length + more, wanted);
    if (need > this.#buffer.length) {
      const larger = new Uint8Array(Math.max(need, 2 * this.#buffer.length));
      larger.set(held);
      this.#buffer = larger;
    } else this.#buffer.copyWithin(0, this.#start, this.#end);
    this.#end = held.length;
    this.#start = 0;
  }
}

/** A file in chunks; each is overwritten by the next. */
async function* readChunks(
  path: string,
  { from, raw }: { from: number; raw: (bytes: Uint8Array) => void },
): AsyncGenerator<Uint8Array> {
  using file = await Deno.open(path, { read: true });
  if (from > 0) await file.seek(from, Deno.SeekMode.Start);
  const buffer = new Uint8Array(CHUNK);
  for (;;) {
    const n = await file.read(buffer);
    if (n === null) return;
    const bytes = buffer.subarray(0, n);
    raw(bytes);
    yield bytes;
  }
}

/** Decompresses a gzip file, also with several members. */
async function* unpacked(packed: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  // DecompressionStream rejects files of several members, which are common for large corpora.
  const gunzip = createGunzip({ chunkSize: CHUNK });
  const source = Readable.from(copies(packed));
  source.on("error", (error) => gunzip.destroy(error));
  source.pipe(gunzip);
  try {
    for await (const chunk of gunzip) yield chunk as Uint8Array;
  } finally {
    source.destroy();
    gunzip.destroy();
  }
}

/** Copies chunks, because a queue may hold one while the next is read. */
async function* copies(chunks: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) yield chunk.slice();
}
