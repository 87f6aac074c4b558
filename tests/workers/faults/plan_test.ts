/** A fault plan: read with care, and handed out once. */
import { assertEquals, assertThrows } from "@std/assert";
import { UserError } from "../../../src/base/user_error.ts";
import { Faults, parseFaultPlan } from "../../../workers/faults/plan.ts";
import { faultPlanSchema } from "../../../workers/faults/schema.ts";

const faults = (plan: unknown): Faults => new Faults(faultPlanSchema.parse(plan));

const KILL = { at: { step: 3, rank: 1, point: "forward" }, do: "sigkill" } as const;

Deno.test("a fault is handed out at its step, rank and point, and once", () => {
  const plan = faults([KILL]);
  const none = { faults: [], spare: false };
  assertEquals(plan.take({ step: 2, rank: 1 }, ["forward"]), none);
  assertEquals(plan.take({ step: 3, rank: 0 }, ["forward"]), none);
  assertEquals(plan.take({ step: 3, rank: 1 }, ["exchange", "summed"]), none);
  const fault = { point: "forward", do: "sigkill", ms: 0 };
  assertEquals(plan.take({ step: 3, rank: 1 }, ["exchange", "forward"]).faults, [fault]);
  assertEquals(plan.take({ step: 3, rank: 1 }, ["exchange", "forward"]), none);
});

Deno.test("a fault is handed out `times` times, each time the step is tried", () => {
  const plan = faults([{ ...KILL, times: 3 }]);
  const taken = Array.from(
    { length: 5 },
    () => plan.take({ step: 3, rank: 1 }, ["forward"]).faults.length,
  );
  assertEquals(taken, [1, 1, 1, 0, 0]);
});

Deno.test("faults of one rank and step are handed out together, in order, those of others not", () => {
  const at = { step: 1, rank: 0 };
  const plan = faults([
    { at: { ...at, point: "forward" }, do: "delay", ms: 30 },
    { at: { step: 1, rank: 2, point: "forward" }, do: "throw" },
    { at: { ...at, point: "voted" }, do: "nan" },
    { at: { ...at, point: "save" }, do: "hang" },
  ]);
  assertEquals(plan.take(at, ["forward", "voted"]).faults, [
    { point: "forward", do: "delay", ms: 30 },
    { point: "voted", do: "nan", ms: 0 },
  ]);
  assertEquals(plan.take(at, ["forward", "voted", "save"]).faults, [
    { point: "save", do: "hang", ms: 0 },
  ]);
  assertEquals(plan.take({ step: 1, rank: 2 }, ["forward"]).faults.length, 1);
});

Deno.test("spare is said when one of the faults handed out says it, and then only", () => {
  const at = { step: 1, rank: 0 };
  const plan = faults([
    { at: { ...at, point: "forward" }, do: "nan" },
    { at: { ...at, point: "summed" }, do: "sigstop", ms: 900, spare: true },
  ]);
  assertEquals(plan.take(at, ["forward"]).spare, false);
  assertEquals(plan.take(at, ["forward", "summed"]).spare, true);
  assertEquals(plan.take(at, ["forward", "summed"]).spare, false);
});

Deno.test("the coordinator's own faults are handed out at their step and point, and once", () => {
  const plan = faults([
    { at: { step: 4, point: "save: rename" }, do: "sigkill" },
    { at: { step: 4, point: "save: rename" }, do: "enospc" },
    { at: { step: 5, point: "save: rename" }, do: "sigterm" },
    KILL,
  ]);
  assertEquals(plan.own(4, "save: begin"), []);
  assertEquals(plan.own(4, "save: rename"), ["sigkill", "enospc"]);
  assertEquals(plan.own(4, "save: rename"), []);
  assertEquals(plan.own(5, "save: rename"), ["sigterm"]);
  assertEquals(plan.own(3, "forward"), []);
  assertEquals(plan.take({ step: 3, rank: 1 }, ["forward"]).faults.length, 1);
});

Deno.test("no plan has no faults", () => {
  const plan = new Faults();
  assertEquals(plan.take({ step: 0, rank: 0 }, ["start"]), { faults: [], spare: false });
  assertEquals(plan.own(0, "start"), []);
});

Deno.test("parseFaultPlan() fills in what a plan leaves out", () => {
  assertEquals(parseFaultPlan(JSON.stringify([KILL]), "plan.json"), [
    { ...KILL, ms: 0, times: 1, spare: false },
  ]);
  assertEquals(parseFaultPlan("[]", "plan.json"), []);
});

const WRONG: Readonly<Record<string, string>> = {
  "no JSON": "{",
  "no list": "{}",
  "an unknown action": JSON.stringify([{ ...KILL, do: "explode" }]),
  "an unknown point": JSON.stringify([{ ...KILL, at: { ...KILL.at, point: "lunch" } }]),
  "a step below 0": JSON.stringify([{ ...KILL, at: { ...KILL.at, step: -1 } }]),
  "a fault of no times": JSON.stringify([{ ...KILL, times: 0 }]),
  "an unknown key": JSON.stringify([{ ...KILL, why: "fun" }]),
  "an action of the coordinator's for a worker": JSON.stringify([{ ...KILL, do: "enospc" }]),
};

for (const [what, text] of Object.entries(WRONG)) {
  Deno.test(`parseFaultPlan() refuses ${what}, naming the file`, () => {
    const refusal = assertThrows(() => parseFaultPlan(text, "plan.json"), UserError);
    assertEquals(refusal.exit, "config");
    assertEquals(
      refusal.message.startsWith("Cannot read the fault plan plan.json: "),
      true,
      refusal.message,
    );
    assertEquals(refusal.message.includes("undefined"), false, refusal.message);
  });
}
