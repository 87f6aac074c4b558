/** UTF-8: truncated characters, counts, and the first invalid byte. */
import { assertEquals } from "@std/assert";
import {
  beginsCharacter,
  characterCount,
  utf8Text,
  wholeCharacters,
} from "../../src/base/text/utf8.ts";

const TEXT = "\ufeffaü日🐋\u{10ffff}\0e\u0301";
const BYTES = new TextEncoder().encode(TEXT);

Deno.test("utf8Text() gives the text, its mark included, or the first byte that is wrong", () => {
  assertEquals(utf8Text(BYTES), TEXT);
  for (let at = 0; at < BYTES.length; at++) {
    const altered = BYTES.slice();
    altered[at] = 0xff;
    assertEquals(utf8Text(altered), at);
  }
});

Deno.test("wholeCharacters() takes off a character that goes on, and nothing else", () => {
  for (let n = 0; n <= BYTES.length; n++) {
    let whole = n;
    while (whole < BYTES.length && !beginsCharacter(BYTES[whole] as number)) whole--;
    assertEquals(wholeCharacters(BYTES.subarray(0, n)).length, whole, `${n} bytes`);
  }
});

Deno.test("characterCount() counts code points", () => {
  assertEquals(characterCount(BYTES), [...TEXT].length);
  assertEquals(characterCount(new Uint8Array()), 0);
});
