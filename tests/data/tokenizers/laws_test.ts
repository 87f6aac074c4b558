/** Laws of all tokenizers. */
import { assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { tokenizerSpecSchema } from "../../../src/data/schema.ts";
import { tokenizerFrom, tokenizerHash } from "../../../src/data/tokenizers/mod.ts";
import { END_TEXT } from "../../../src/data/tokenizers/types.ts";
import type { Tokenizer } from "../../../src/data/tokenizers/types.ts";
import { ALL_NAMES, TEXTS, tokenizerOf } from "./all.ts";

/** Ids as a plain list, which compares faster than an array of u32. */
const idsOf = (tokenizer: Tokenizer, text: string) => Array.from(tokenizer.encode(text));

for (const name of ALL_NAMES) {
  Deno.test(`${name}: ids lie in the vocabulary, and a stored tokenizer gives the same`, () => {
    const tokenizer = tokenizerOf(name);
    const stored = tokenizerSpecSchema.parse(JSON.parse(JSON.stringify(tokenizer)));
    const again = tokenizerFrom(stored);
    assertEquals(tokenizerHash(again), tokenizerHash(tokenizer));
    assertEquals([again.kind, again.size, again.end], [
      tokenizer.kind,
      tokenizer.size,
      tokenizer.end,
    ]);
    for (const text of TEXTS) {
      const ids = idsOf(tokenizer, text);
      assertEquals(ids.every((id) => id < tokenizer.size), true);
      assertEquals(idsOf(again, text), ids);
      assertEquals(again.decode(ids), tokenizer.decode(ids));
    }
  });

  Deno.test(`${name}: a stream gives what decode gives, the end token and rubbish included`, () => {
    const tokenizer = tokenizerOf(name);
    const stream = tokenizer.stream();
    for (const [i, text] of TEXTS.entries()) {
      // Replace every third token: invalid UTF-8, and end tokens in between.
      const ids = idsOf(tokenizer, text).map((id, k) =>
        k % 3 < 2 ? id : k % 2 ? (id * 31 + i) % tokenizer.size : tokenizer.end ?? id
      );
      const streamed = ids.map((id) => stream.push(id)).join("") + stream.flush();
      assertEquals(streamed, tokenizer.decode(ids));
    }
  });

  Deno.test(`${name}: parts of a text that is cut encode as the whole, whatever follows`, () => {
    const tokenizer = tokenizerOf(name);
    let cuts = 0;
    for (const [i, text] of TEXTS.entries()) {
      const place = tokenizer.cut(text);
      assertEquals(place === 0 || place < text.length, true);
      if (place > 0) cuts++;
      for (const more of ["", TEXTS[(i + 1) % TEXTS.length] ?? "", "s", " ", "\u0301", "7"]) {
        const parts = [text.slice(0, place), text.slice(place) + more];
        assertEquals(
          parts.flatMap((part) => idsOf(tokenizer, part)),
          idsOf(tokenizer, text + more),
        );
      }
    }
    assertEquals(cuts > TEXTS.length / 2, true, `${cuts} cuts`);
    assertEquals(tokenizer.cut(""), 0);
    assertEquals(tokenizer.cut("a"), 0);
  });

  Deno.test(`${name}: an id outside the vocabulary is named`, () => {
    const tokenizer = tokenizerOf(name);
    for (const id of [tokenizer.size, -1, 0.5]) {
      const says = `[0, ${tokenizer.size}): ${id}`;
      assertThrows(() => tokenizer.decode([id]), RangeError, says);
      assertThrows(() => tokenizer.stream().push(id), RangeError, says);
    }
  });
}

for (const name of ["char", "byte", "gpt2", "bpe:400"]) {
  Deno.test(`${name}: decode gives back any text`, () => {
    const tokenizer = tokenizerOf(name);
    for (const text of TEXTS) assertEquals(tokenizer.decode(tokenizer.encode(text)), text);
  });

  Deno.test(`${name}: the end token has no text, and its name in a text is text`, () => {
    const tokenizer = tokenizerOf(name);
    const { end } = tokenizer;
    if (end === undefined) throw new TypeError("need an end token");
    assertEquals(tokenizer.decode([end]), "");
    assertEquals(end, tokenizer.size - 1);
    if (name === "char") return;
    const ids = tokenizer.encode(`a${END_TEXT}${END_TEXT} b`);
    assertEquals(ids.includes(end), false);
    assertEquals(tokenizer.decode(ids), `a${END_TEXT}${END_TEXT} b`);
  });
}

for (const name of ["char", "byte", "bpe:400"]) {
  Deno.test(`${name}: without an end it has none, and is another tokenizer`, () => {
    const [one, other] = [tokenizerOf(name), tokenizerOf(name, { end: false })];
    assertEquals(other.end, undefined);
    assertNotEquals(tokenizerHash(one), tokenizerHash(other));
  });
}
