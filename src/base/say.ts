/**
 * Prints lines on the terminal, or to what stands for it. No other file writes there by `console`: what
 * comes from files, other processes and the network is made {@linkcode printable} here, and is one
 * line unless it is said to be a text of several.
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
