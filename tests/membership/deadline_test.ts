/** How long a section may take, and who is to blame when it takes longer. */
import { assertEquals } from "@std/assert";
import { deadline, hung, measured } from "../../src/membership/deadline.ts";
import { noMembers } from "../../src/membership/decide.ts";
import type { Member, Membership } from "../../src/membership/types.ts";
import { member, rules } from "./story.ts";

const NOW = 1_000_000;
/** Longer than a section that was never measured may take. */
const LONG_AGO = NOW - rules.unmeasured - 1;

function among(members: readonly Member[], pace: Membership["pace"] = {}): Membership {
  return { ...noMembers(members.length, 0), members, pace };
}

/** Ids of who is hung at `NOW`. */
function blamed(members: readonly Member[], pace: Membership["pace"] = {}): number[] {
  return hung(among(members, pace), NOW, rules).map(({ id }) => id);
}

/** A member whose step is overdue, though it gives signs of life. */
function overdue(id: number, changes: Partial<Member> = {}): Member {
  return member({ id, phase: "serving", section: "step", since: LONG_AGO, heard: NOW, ...changes });
}

Deno.test("deadline() of what was never measured is long, and that of what was is 8 x p95", () => {
  assertEquals(deadline({}, "step", rules), 120_000);
  assertEquals(deadline({ step: [] }, "step", rules), 120_000);
  assertEquals(deadline({ save: [9] }, "step", rules), 120_000);
  assertEquals(deadline({ step: [2000] }, "step", rules), 16_000);
  const hundred = Array.from({ length: 100 }, (_, i) => 1000 + i);
  assertEquals(deadline({ step: hundred.toReversed() }, "step", rules), 8 * 1095);
});

Deno.test("deadline() is never below its floor, and one slow section in many does not raise it", () => {
  assertEquals(deadline({ step: [1] }, "step", rules), 5000);
  assertEquals(deadline({ step: [624] }, "step", rules), 5000);
  assertEquals(deadline({ step: [626] }, "step", rules), 5008);
  const mostly = [...new Array(63).fill(1000), 1e6];
  assertEquals(deadline({ step: mostly }, "step", rules), 8000);
});

Deno.test("measured() keeps the latest 64 of each section apart", () => {
  let pace: Membership["pace"] = { save: [7] };
  for (let ms = 0; ms < 70; ms++) pace = measured(pace, { section: "step", ms });
  assertEquals(pace.step, Array.from({ length: 64 }, (_, i) => 6 + i));
  assertEquals(pace.save, [7]);
});

Deno.test("hung() blames nobody before the deadline, nor who is idle and gives signs of life", () => {
  const inTime = { since: NOW - rules.unmeasured, heard: 0 };
  assertEquals(blamed([overdue(0, inTime), overdue(1, inTime)]), []);
  assertEquals(blamed([member({ id: 0, since: 0, heard: NOW - rules.idle })]), []);
});

Deno.test("hung() goes by what a section has taken so far", () => {
  const late = [overdue(0, { since: NOW - 8001 })];
  assertEquals(blamed(late), []);
  assertEquals(blamed(late, { step: [1001] }), []);
  assertEquals(blamed(late, { step: [1000] }), [0]);
  assertEquals(blamed(late, { save: [1000] }), []);
});

Deno.test("hung() gives who gets further in its section as much time again", () => {
  const within = { section: "evaluate", moved: NOW - 8000 } as const;
  assertEquals(blamed([overdue(0, within)], { evaluate: [1000] }), []);
  assertEquals(blamed([overdue(0, { ...within, moved: NOW - 8001 })], { evaluate: [1000] }), [0]);
  // What it did in a section before is no matter.
  const before = { section: "evaluate", since: NOW - 7000, moved: NOW - 9000 } as const;
  assertEquals(blamed([overdue(0, before)], { evaluate: [1000] }), []);
});

Deno.test("hung() blames who is idle and gives no sign of life, and says for how long", () => {
  const members = [
    member({ id: 0, heard: NOW - rules.idle - 1 }),
    member({ id: 1, heard: NOW }),
  ];
  assertEquals(hung(among(members), NOW, rules), [
    { id: 0, why: "no sign of life for 10.0 s" },
  ]);
});

Deno.test("hung() blames the silent first: the others may only wait for them", () => {
  const silent = { heard: NOW - rules.silence - 1 };
  const members = [
    overdue(0, { waitsFor: [2] }),
    overdue(1),
    overdue(2, silent),
    overdue(3, { ...silent, waitsFor: [0] }),
  ];
  assertEquals(blamed(members), [2, 3]);
  assertEquals(
    hung(among(members), NOW, rules)[0]?.why,
    "step for 120.0 s, no sign of life for 2.0 s",
  );
});

Deno.test("hung() lets a silent member be whose section is not overdue", () => {
  const computing = overdue(1, { since: NOW - 100, heard: NOW - 60_000 });
  assertEquals(blamed([overdue(0), computing]), [0]);
});

Deno.test("hung() blames the busy next: those that wait for nobody", () => {
  const members = [
    overdue(0, { waitsFor: [1] }),
    overdue(1),
    overdue(2),
    overdue(3, { waitsFor: [0] }),
  ];
  assertEquals(blamed(members), [1, 2]);
  assertEquals(hung(among(members), NOW, rules)[0]?.why, "step for 120.0 s");
});

Deno.test("hung() blames the one that most wait for, when all wait", () => {
  const members = [
    overdue(0, { waitsFor: [1, 2] }),
    overdue(1, { waitsFor: [2] }),
    overdue(2, { waitsFor: [0] }),
  ];
  assertEquals(hung(among(members), NOW, rules), [
    { id: 2, why: "2 wait for it, step for 120.0 s" },
  ]);
});

Deno.test("hung() blames the younger of two that as many wait for", () => {
  assertEquals(blamed([overdue(4, { waitsFor: [7] }), overdue(7, { waitsFor: [4] })]), [7]);
});

Deno.test("hung() counts idle and overdue members together", () => {
  const members = [member({ id: 0, heard: 0 }), overdue(1), overdue(2, { waitsFor: [1] })];
  assertEquals(blamed(members), [0, 1]);
});
