/** Texts in lines of a width. Pure. */

/**
 * A text in lines of at most `width` characters, cut at spaces; a word that is longer is cut. Spaces
 * at a cut go away, all others stay.
 */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let rest = text;
  while (rest.length > width) {
    const space = rest.lastIndexOf(" ", width);
    const at = space > 0 ? space : width;
    lines.push(rest.slice(0, at).trimEnd());
    rest = rest.slice(at).trimStart();
  }
  return [...lines, rest];
}
