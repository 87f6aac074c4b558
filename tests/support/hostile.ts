/** Texts that steer what shows them, and the judge of what reaches a terminal, a table or a page. */
import { assert } from "@std/assert";

/** What a stranger may put wherever a text goes, by what it would do. */
export const HOSTILE: Readonly<Record<string, string>> = {
  "clears the screen": "a\x1b[2Jb",
  "sets the window's title": "a\x1b]0;pwned\x07b",
  "sets it by C1": "a\x9d0;pwned\x9cb",
  "moves the cursor by C1": "a\x9b5Ab",
  "goes back": "good\b\b\b\bbad",
  "begins the line again": "good\rbad",
  "breaks pages and columns": "a\v\fb",
  "is no text": "a\x00\x7fb",
  "turns text round": "a\u202egpj.exe\u202cb",
  "isolates text": "a\u2066\u2067b\u2068c\u2069d\u202ae\u202bf\u202dg",
  "separates lines": "a\u2028b\u2029c\u0085d",
  "says that all is done": "a\ndone: 40 steps\nerror: b",
  "is markup": `</script></title>"'><script>&amp;`,
  "is a formula": "=cmd|' /C calc'!A1",
  "is a formula behind a tab": "\t=1+1",
  "is a formula behind a carriage return": "\r=1+1",
  "is a wide formula": "\uff1d1+1",
};

/** Texts of people, which are shown as they are. */
export const KIND: readonly string[] = [
  "my größe #1",
  "名前 한국어",
  "العربية \u200fעברית\u200e",
  "🐟 👩‍👩‍👧 🏴󠁧󠁢󠁥󠁮󠁧󠁿",
  "na\u0301ive",
  "C:\\new\\temp",
];

/** Written out, so that no mistake is shared with the code under test. */
const STEERING: readonly (readonly [number, number])[] = [
  [0x00, 0x08],
  [0x0b, 0x1f],
  [0x7f, 0x9f],
  [0x2028, 0x202e],
  [0x2066, 0x2069],
];

/** Whether a terminal, or what breaks lines, acts on a character; tabs and line feeds are known. */
export function steers(c: string): boolean {
  const code = c.codePointAt(0) as number;
  return STEERING.some(([from, to]) => from <= code && code <= to);
}

/** How a status line begins: the only sequence that is ours. */
const ERASE = "\r\x1b[K";

/** Asserts that nothing in a text steers but what we draw with; `where` says what was run. */
export function assertHarmless(text: string, where = "", { terminal = false } = {}): void {
  // A terminal has its own line ends, and shows what was typed.
  const shown = text.replaceAll(ERASE, "");
  const rest = terminal ? shown.replaceAll(/\r+\n/g, "\n") : shown;
  const found = Array.from(rest).findIndex(steers);
  assert(
    found < 0,
    `${where}: steers: ${JSON.stringify(Array.from(rest).slice(found - 40, found + 20).join(""))}`,
  );
}
