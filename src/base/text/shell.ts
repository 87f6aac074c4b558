/** Shell quoting for command lines in messages. */

/** A word, quoted for a POSIX shell if needed. */
export function shellWord(word: string): string {
  return /^[\w./:@%+=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
