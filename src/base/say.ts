/**
 * Prints lines on the terminal, or to what stands for it. No other file writes there by `console`: what
 * comes from files, other processes and the network is made {@linkcode printable} here.
 */
import { printable } from "./printable.ts";

/** Prints lines on stdout. JSON stays JSON. */
export function say(text: string): void {
  console.log(printable(text));
}

/** Prints lines on stderr. */
export function warn(text: string): void {
  console.error(printable(text));
}
