/** Declaration of the one function of @std/text/closest-string in use; npm ships none. */
export function closestString(givenWord: string, possibleWords: readonly string[]): string;
