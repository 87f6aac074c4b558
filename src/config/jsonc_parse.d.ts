/** Declaration of the one function of @std/jsonc/parse in use; npm ships none. */
export function parse(text: string): unknown;
