/** Counts of tests, read from the last line of `deno test`. */

/** How many tests ended how. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly ignored: number;
}

/** No tests. */
export const NONE: Counts = { passed: 0, failed: 0, ignored: 0 };

/** The counts that `deno test` closes with; undefined where it did not get that far. */
export function countsIn(output: string): Counts | undefined {
  const line = output.split("\n").findLast((line) => /^(ok|FAILED) \| /.test(line));
  if (line === undefined) return undefined;
  const of = (what: string) => Number(new RegExp(`(\\d+) ${what}`).exec(line)?.[1] ?? 0);
  return { passed: of("passed"), failed: of("failed"), ignored: of("ignored") };
}

/** Both together. */
export function added(a: Counts, b: Counts): Counts {
  return {
    passed: a.passed + b.passed,
    failed: a.failed + b.failed,
    ignored: a.ignored + b.ignored,
  };
}

/** The closing line for counts, as `deno test` writes it. */
export function closing({ passed, failed, ignored }: Counts, seconds: number, ok: boolean): string {
  const minutes = Math.floor(seconds / 60);
  const time = `${minutes > 0 ? `${minutes}m` : ""}${Math.round(seconds % 60)}s`;
  return `${ok ? "ok" : "FAILED"} | ${passed} passed | ${failed} failed` +
    `${ignored > 0 ? ` | ${ignored} ignored` : ""} (${time})`;
}
