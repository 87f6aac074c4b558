/** Declaration of the one function of @std/text/levenshtein-distance in use; npm ships none. */
export function levenshteinDistance(str1: string, str2: string): number;
