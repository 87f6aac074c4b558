/** Random text that is hard on tokenizers. A pure function of its seed. */
import { rootKey, threefry } from "../../../src/base/random.ts";

/** Characters that pieces, merges and decoders treat in different ways. */
const HARD = [
  ..."   \t\n\r\v\f\u0085\u00a0\u2003\u2028\u3000\ufeff",
  ..."''''sStTdlmrve",
  ..."aabbcczzAZ éßñøЖж漢字かな한ไअا",
  ..."0123456789٣½Ⅷ²",
  ...'!?.,;:-_(){}<>|/\\"#@&*~…—“”€',
  ..."\u0301\u0308\u200d\u200b\ufe0f\u00ad\0\x01\x7f",
  ..."🐋👩👍🏽🇩🇪𝕳𠀀𐌰",
];

/** `length` characters, most of them hard, some of any code point that is a character. */
export function randomText(seed: number, length: number): string {
  const key = rootKey(seed);
  let text = "";
  for (let i = 0; i < length; i++) {
    const [a, b] = threefry(key, i, 0);
    if (a % 8 > 0) text += HARD[b % HARD.length];
    else text += scalar(b);
  }
  return text;
}

/** Any character but half of a pair. */
function scalar(word: number): string {
  const point = word % (0x110000 - 0x800);
  return String.fromCodePoint(point < 0xd800 ? point : point + 0x800);
}
