/** Unicode's property White_Space. */

/**
 * Ranges of White_Space (Unicode 16, PropList.txt). Not `\s`: in JavaScript it includes U+FEFF and
 * lacks U+0085, unlike other languages.
 */
const RUNS = [
  [0x09, 0x0d],
  [0x20, 0x20],
  [0x85, 0x85],
  [0xa0, 0xa0],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
] as const;

const TABLE = new Uint8Array(0x3001);
for (const [first, last] of RUNS) TABLE.fill(1, first, last + 1);

/** All characters of White_Space. */
export const WHITE_SPACES: readonly string[] = RUNS.flatMap(([first, last]) =>
  Array.from({ length: last - first + 1 }, (_, i) => String.fromCharCode(first + i))
);

/** Whether a UTF-16 unit is white space; all of White_Space is below U+10000. */
export function isWhiteSpace(unit: number): boolean {
  return TABLE[unit] === 1;
}
