/** Text in HTML, SVG and XML. Pure. */
import { printable } from "./printable.ts";

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/**
 * A text as it stands in an element or in a quoted attribute: without what markup would read, and
 * without the characters that XML 1.0 forbids or that reorder a page.
 */
export function markupText(text: string): string {
  return printable(text).toWellFormed()
    .replaceAll(/[\ufffe\uffff]/g, "\ufffd")
    .replaceAll(/[&<>"']/g, (c) => ENTITIES[c] as string);
}
