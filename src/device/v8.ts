/**
 * Flags of V8 for processes that compute on the CPU device. The revectorizer joins pairs of 128-bit
 * operations into AVX2. It gives up at the bounds checks between them, which are not needed: each
 * access is proved inside its area when it is printed. Without the baseline compiler a kernel is
 * optimized before its first run, not during later ones. No flag changes bits.
 */

/** Versions of Deno whose V8 is known to take the flags: an unknown flag ends a process. */
const TESTED: readonly string[] = ["2.9.6"];

/** The flags, as the value of `--v8-flags`; undefined where this V8 may not know them. */
export function vectorFlags(version: string): string | undefined {
  return TESTED.includes(version)
    ? "--experimental-wasm-revectorize,--no-wasm-bounds-checks,--no-liftoff"
    : undefined;
}
