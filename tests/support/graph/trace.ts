/** What holds for every trace of a step. */
import { assert } from "@std/assert";
import { LINES, type TraceEvent } from "../../../src/cli/profile/trace.ts";

/** Times that meet may differ by this many microseconds. */
const SLACK = 1;

/** Each event lies within the one that is open when it begins, on its own line. */
export function assertNested(events: readonly TraceEvent[]): void {
  for (const line of Object.values(LINES)) {
    const ends: number[] = [];
    const on = events.filter(({ ph, tid }) => ph === "X" && tid === line)
      .toSorted((a, b) => a.ts - b.ts || (b.dur ?? 0) - (a.dur ?? 0));
    assert(on.length > 0);
    for (const { name, ts, dur = 0 } of on) {
      while (ends.length > 0 && (ends.at(-1) as number) <= ts + SLACK) ends.pop();
      assert(
        ts + dur <= (ends.at(-1) ?? Infinity) + SLACK,
        `${name} at ${ts} ends within its parent`,
      );
      ends.push(ts + dur);
    }
  }
}
