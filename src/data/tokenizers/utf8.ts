/** Bytes of UTF-8 that come piece by piece. Knows no tokens. */

/** A decoder of UTF-8 that keeps U+FEFF: at the start of tokens it is text, not a mark. */
export function utf8Decoder(): TextDecoder {
  return new TextDecoder("utf-8", { ignoreBOM: true });
}

/** Bytes in a row, of which nobody knows before how many there will be. */
export class ByteRow {
  #bytes = new Uint8Array(256);
  #length = 0;

  /** What was added, as a view that the next addition may make stale. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Adds a byte. */
  add(byte: number): void {
    if (this.#length === this.#bytes.length) this.#grow(this.#length + 1);
    this.#bytes[this.#length++] = byte;
  }

  /** Adds bytes. */
  addAll(bytes: Uint8Array): void {
    if (this.#length + bytes.length > this.#bytes.length) this.#grow(this.#length + bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #grow(length: number): void {
    const bytes = new Uint8Array(Math.max(length, 2 * this.#bytes.length));
    bytes.set(this.#bytes);
    this.#bytes = bytes;
  }
}
