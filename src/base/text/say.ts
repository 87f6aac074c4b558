/**
 * Prints to stdout and stderr. A lint rule keeps `console` out of other files, because text from
 * files, other processes and the network must be made {@linkcode printable} first. Line functions
 * escape line feeds, text functions keep them.
 */
import { oneLine, printable } from "./printable.ts";

/** Prints a line on stdout. */
export function say(line: string): void {
  console.log(oneLine(line));
}

/** Prints lines on stdout. */
export function sayLines(lines: readonly string[]): void {
  console.log(lines.map(oneLine).join("\n"));
}

/** Prints a text with line feeds on stdout. JSON stays JSON. */
export function sayText(text: string): void {
  console.log(printable(text));
}

/** Prints a line on stderr. */
export function warn(line: string): void {
  console.error(oneLine(line));
}

/** Prints a text with line feeds on stderr. */
export function warnText(text: string): void {
  console.error(printable(text));
}
