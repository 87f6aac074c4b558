/** Wraps text. Pure. */

/**
 * A text in lines of at most `width` characters, broken at spaces; a longer word is split. Spaces
 * at a break are removed, all others kept.
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
