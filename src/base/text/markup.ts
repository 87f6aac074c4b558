/** Escaping for HTML, SVG and XML. Pure. */
import { printable } from "./printable.ts";

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/**
 * A text escaped for an element or a quoted attribute, without characters that XML 1.0 forbids or
 * that reorder bidirectional text.
 */
export function markupText(text: string): string {
  return printable(text).toWellFormed()
    .replaceAll(/[\ufffe\uffff]/g, "\ufffd")
    .replaceAll(/[&<>"']/g, (c) => ENTITIES[c] as string);
}
