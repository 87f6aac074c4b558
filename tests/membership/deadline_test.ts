/** The failure detector: deadlines of sections, and which member is suspected after that. */
import { assertEquals } from "@std/assert";
import { deadline, hungMembers, withDuration } from "../../src/membership/deadline.ts";
import { noMembers } from "../../src/membership/decide.ts";
import type { Member, Membership } from "../../src/membership/types.ts";
import { member, rules } from "./simulation.ts";

const NOW = 1_000_000;
/** Earlier than the deadline of an unmeasured section. */
const LONG_AGO = NOW - rules.unmeasured - 1;

function among(members: readonly Member[], durations: Membership["durations"] = {}): Membership {
  return { ...noMembers(members.length, 0), members, durations };
}

/** Ids of the hung members at `NOW`. */
function hungIds(members: readonly Member[], durations: Membership["durations"] = {}): number[] {
  return hungMembers(among(members, durations), NOW, rules).map(({ id }) => id);
}

/** A member whose step is overdue, though its heartbeats arrive. */
function overdue(id: number, changes: Partial<Member> = {}): Member {
  return member({ id, phase: "serving", section: "step", since: LONG_AGO, heard: NOW, ...changes });
}

Deno.test("deadline() is long for an unmeasured section, and 8 x p95 for a measured one", () => {
  assertEquals(deadline({}, "step", rules), 120_000);
  assertEquals(deadline({ step: [] }, "step", rules), 120_000);
  assertEquals(deadline({ save: [9] }, "step", rules), 120_000);
  assertEquals(deadline({ step: [2000] }, "step", rules), 16_000);
  const hundred = Array.from({ length: 100 }, (_, i) => 1000 + i);
  assertEquals(deadline({ step: hundred.toReversed() }, "step", rules), 8 * 1095);
});

Deno.test("deadline() is at least its floor, and one outlier does not raise it", () => {
  assertEquals(deadline({ step: [1] }, "step", rules), 5000);
  assertEquals(deadline({ step: [624] }, "step", rules), 5000);
  assertEquals(deadline({ step: [626] }, "step", rules), 5008);
  const mostly = [...new Array(63).fill(1000), 1e6];
  assertEquals(deadline({ step: mostly }, "step", rules), 8000);
});

Deno.test("withDuration() keeps the latest 64 durations of each section", () => {
  let durations: Membership["durations"] = { save: [7] };
  for (let ms = 0; ms < 70; ms++) durations = withDuration(durations, { section: "step", ms });
  assertEquals(durations.step, Array.from({ length: 64 }, (_, i) => 6 + i));
  assertEquals(durations.save, [7]);
});

Deno.test("hungMembers() suspects no member before its deadline, nor an idle one with heartbeats", () => {
  const inTime = { since: NOW - rules.unmeasured, heard: 0 };
  assertEquals(hungIds([overdue(0, inTime), overdue(1, inTime)]), []);
  assertEquals(hungIds([member({ id: 0, since: 0, heard: NOW - rules.idle })]), []);
});

Deno.test("hungMembers() uses the measured durations of the section", () => {
  const late = [overdue(0, { since: NOW - 8001 })];
  assertEquals(hungIds(late), []);
  assertEquals(hungIds(late, { step: [1001] }), []);
  assertEquals(hungIds(late, { step: [1000] }), [0]);
  assertEquals(hungIds(late, { save: [1000] }), []);
});

Deno.test("hungMembers() restarts the deadline on progress", () => {
  const within = { section: "evaluate", moved: NOW - 8000 } as const;
  assertEquals(hungIds([overdue(0, within)], { evaluate: [1000] }), []);
  assertEquals(hungIds([overdue(0, { ...within, moved: NOW - 8001 })], { evaluate: [1000] }), [0]);
  // Progress in an earlier section does not count.
  const before = { section: "evaluate", since: NOW - 7000, moved: NOW - 9000 } as const;
  assertEquals(hungIds([overdue(0, before)], { evaluate: [1000] }), []);
});

Deno.test("hungMembers() reports an idle member without heartbeats, and for how long", () => {
  const members = [
    member({ id: 0, heard: NOW - rules.idle - 1 }),
    member({ id: 1, heard: NOW }),
  ];
  assertEquals(hungMembers(among(members), NOW, rules), [
    { id: 0, why: "no sign of life for 10.0 s" },
  ]);
});

Deno.test("hungMembers() reports silent members first: the others may be waiting for them", () => {
  const silent = { heard: NOW - rules.silence - 1 };
  const members = [
    overdue(0, { waitsFor: [2] }),
    overdue(1),
    overdue(2, silent),
    overdue(3, { ...silent, waitsFor: [0] }),
  ];
  assertEquals(hungIds(members), [2, 3]);
  assertEquals(
    hungMembers(among(members), NOW, rules)[0]?.why,
    "step for 120.0 s, no sign of life for 2.0 s",
  );
});

Deno.test("hungMembers() tolerates a silent member before its deadline", () => {
  const computing = overdue(1, { since: NOW - 100, heard: NOW - 60_000 });
  assertEquals(hungIds([overdue(0), computing]), [0]);
});

Deno.test("hungMembers() reports busy members next: those that wait for no other", () => {
  const members = [
    overdue(0, { waitsFor: [1] }),
    overdue(1),
    overdue(2),
    overdue(3, { waitsFor: [0] }),
  ];
  assertEquals(hungIds(members), [1, 2]);
  assertEquals(hungMembers(among(members), NOW, rules)[0]?.why, "step for 120.0 s");
});

Deno.test("hungMembers() reports the most awaited member when all are waiting", () => {
  const members = [
    overdue(0, { waitsFor: [1, 2] }),
    overdue(1, { waitsFor: [2] }),
    overdue(2, { waitsFor: [0] }),
  ];
  assertEquals(hungMembers(among(members), NOW, rules), [
    { id: 2, why: "2 wait for it, step for 120.0 s" },
  ]);
});

Deno.test("hungMembers() breaks a tie by the higher id", () => {
  assertEquals(hungIds([overdue(4, { waitsFor: [7] }), overdue(7, { waitsFor: [4] })]), [7]);
});

Deno.test("hungMembers() reports idle and overdue members together", () => {
  const members = [member({ id: 0, heard: 0 }), overdue(1), overdue(2, { waitsFor: [1] })];
  assertEquals(hungIds(members), [0, 1]);
});
