/** The byte tokenizer: one token per UTF-8 byte. */
import { cutCharacter } from "./cut_character.ts";
import { invalidId } from "./invalid_id.ts";
import type { Tokenizer } from "./types.ts";
import { ByteRow, utf8Decoder } from "./utf8.ts";

const encoder = new TextEncoder();

/** The byte tokenizer. Invalid UTF-8 decodes to U+FFFD. */
export function byteTokenizer({ end = false }: { end?: boolean | undefined } = {}): Tokenizer {
  const size = end ? 257 : 256;
  const check = (id: number): number =>
    Number.isInteger(id) && id >= 0 && id < size ? id : invalidId(id, size);
  return {
    kind: "byte",
    size,
    end: end ? 256 : undefined,
    unknown: undefined,
    encode: (text) => new Uint32Array(encoder.encode(text)),
    decode(ids) {
      const row = new ByteRow();
      for (const id of ids) if (check(id) < 256) row.add(id);
      return utf8Decoder().decode(row.bytes);
    },
    stream() {
      const stream = utf8Decoder();
      return {
        push: (id) => check(id) < 256 ? stream.decode(Uint8Array.of(id), { stream: true }) : "",
        flush: () => stream.decode(),
      };
    },
    cut: cutCharacter,
    toJSON: () => ({ kind: "byte", ...(end && { end: true as const }) }),
  };
}
