/** Declaration of what is used of @std/csv/parse; npm ships none. */
export function parse(input: string, options?: { separator?: string }): string[][];
