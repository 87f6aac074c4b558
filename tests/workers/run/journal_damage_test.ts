/** A run that has passed over a step, and what becomes of it when its journal is damaged. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { EXIT, UserError } from "../../../src/base/user_error.ts";
import { parseJournal, printLine } from "../../../src/report/journal/journal_lines.ts";
import type { JournalLine } from "../../../src/report/journal/journal.ts";
import type { FaultPlan } from "../../../workers/faults/schema.ts";
import { recordedIn } from "../../../workers/run/journal/recorded.ts";
import { flipBit, names } from "../../checkpoint/fixture.ts";
import { dice } from "../../fuzz/dice.ts";
import { Bench } from "./run_bench.ts";

/** The gradient of step 3 is not finite, however often it is computed. */
const POISON: FaultPlan = [
  { at: { step: 3, rank: 0, point: "summed" }, do: "nan", times: 9, ms: 0, spare: false },
];
/** Flips that are tried on a whole run. */
const FLIPS = 24;

/**
 * A run that passed over step 3, came to step 6 and is left with the checkpoint of step 2, so that its
 * journal alone tells of that; and the state at its end.
 */
async function begun(bench: Bench): Promise<{ contents: Record<string, string>; hash: unknown }> {
  made ??= makeOne();
  const { contents } = await made;
  bench.restore(contents);
  return await made;
}

let made: ReturnType<typeof makeOne> | undefined;

async function makeOne(): Promise<{ contents: Record<string, string>; hash: unknown }> {
  using bench = new Bench();
  const config = bench.skipping;
  await bench.train("begin", { config, faults: POISON, until: 5 });
  for (const step of [4, 6]) {
    Deno.removeSync(`${bench.checkpoints}/step-0000000${step}`, { recursive: true });
  }
  const contents = bench.contents();
  await bench.train("resume", { config });
  return { contents, hash: bench.hash };
}

/** Writes the journal as versions before the checksum did. */
function unseal(bench: Bench, change: (text: string) => string = (text) => text): void {
  const text = bench.read("journal.jsonl").replaceAll(/"crc32":"[0-9a-f]{8}",/g, "");
  Deno.writeTextFileSync(`${bench.run}/journal.jsonl`, change(text));
}

/** What became of a resume: the line that it was refused with, or undefined. */
async function resumed(bench: Bench, faults: FaultPlan = []): Promise<string | undefined> {
  try {
    await bench.train("resume", { config: bench.skipping, faults });
    return undefined;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    assertEquals(EXIT[error.exit], 78, error.message);
    return error.message;
  }
}

Deno.test("a bit that flips in a journal is refused with its line and loses nothing, or changes no bit of the result", async () => {
  using bench = new Bench();
  const { contents, hash } = await begun(bench);
  const text = bench.read("journal.jsonl");
  assertStringIncludes(text, '"skips":[3]');
  const roll = dice(17, 0);
  const bytes = [
    { byte: text.indexOf('"skips":[3]') + 9, bit: 1 }, // 3 becomes 1
    { byte: text.length - 1, bit: 2 }, // the last line feed
    ...Array.from({ length: FLIPS }, () => ({ byte: roll(text.length), bit: roll(8) })),
  ];
  let refused = 0;
  for (const flip of bytes) {
    bench.restore(contents);
    flipBit(`${bench.run}/journal.jsonl`, flip);
    const before = bench.contents();
    const message = await resumed(bench);
    const what = `byte ${flip.byte}, bit ${flip.bit}: ${message}`;
    if (message === undefined) assertEquals(bench.hash, hash, what);
    else {
      refused++;
      const line = text.slice(0, flip.byte).split("\n").length;
      assertStringIncludes(message, `need a whole ${bench.run}/journal.jsonl`);
      assertStringIncludes(message, `: line ${line} `, what);
      assertEquals(bench.contents(), before, what);
    }
  }
  assertEquals(refused, FLIPS + 1);

  // What the refusal offers works.
  bench.restore(contents);
  flipBit(`${bench.run}/journal.jsonl`, { byte: 9 });
  assertMatch(await resumed(bench) ?? "", /move it away .*--restart=\S+, which keeps/);
  Deno.renameSync(`${bench.run}/journal.jsonl`, `${bench.path}/journal.damaged`);
  assertEquals(await resumed(bench, POISON), undefined);
  assertEquals(bench.hash, hash);
});

Deno.test("a journal of a version without checksums is gone on with, and the next lines have them", async () => {
  using bench = new Bench();
  const { hash } = await begun(bench);
  unseal(bench);
  const count = bench.read("journal.jsonl").split("\n").length - 1;
  assertEquals(await resumed(bench), undefined);
  assertEquals(bench.hash, hash);
  const { entries, unsealed, fault } = parseJournal(bench.read("journal.jsonl"));
  assertEquals([unsealed, fault], [count, undefined]);
  assert(entries.length > count);
});

/** What befalls a journal without checksums, and what is said of it. */
const CHANGES: readonly { what: string; change: (text: string) => string; says: RegExp }[] = [
  {
    what: "a step that is passed over",
    change: (text) => text.replace('"skips":[3]', '"skips":[1]'),
    says: /line \d+ \(skip\) must list new steps up to 3 in order: it lists 1:/,
  },
  {
    what: "a decision as a whole, which contradicts the checkpoints then",
    change: (text) => text.replace(/"step":3,"skips":\[3\]/, '"step":1,"skips":[1]'),
    says: /says that step 1 was passed over, .*step-00000002, which is verified, says .* not/,
  },
  {
    what: "the kind of a line",
    change: (text) => text.replace('"kind":"skip"', '"kind":"skiq"'),
    says: /line \d+ is of no known kind: skiq:/,
  },
  {
    what: "a key",
    change: (text) => text.replace('"skips":', '"skipr":'),
    says: /line \d+ \(skip\) is not valid: skips: /,
  },
  {
    what: "a lost line",
    change: (text) => text.split("\n").toSpliced(2, 1).join("\n"),
    says: /line 3 must have seq 2: it has 3:/,
  },
];

for (const { what, change, says } of CHANGES) {
  Deno.test(`a journal without checksums is held to its run, and nothing is removed: ${what}`, async () => {
    using bench = new Bench();
    await begun(bench);
    unseal(bench, change);
    const before = bench.contents();
    assertMatch(await resumed(bench) ?? "", says);
    assertEquals(bench.contents(), before);
  });
}

Deno.test("a resume says which keys of its stored config are not as the run wrote them", async () => {
  using bench = new Bench();
  const config = { steps: 8 };
  await bench.train("begin", { config, until: 2 });
  await bench.train("resume", { config, until: 4 });
  const isSaid = (text: string) => text.includes("is not as the run wrote it");
  assertEquals(bench.notices.filter(isSaid), []);
  const path = `${bench.run}/config.json`;
  const text = Deno.readTextFileSync(path);
  Deno.writeTextFileSync(path, text.replace('"keep": 2', '"keep": 3'));
  await bench.train("resume", { config, until: 6 });
  assertEquals(bench.notices.filter(isSaid), [
    `${path} is not as the run wrote it (checkpoint against now): checkpoint.keep: 2 against 3`,
  ]);
  await bench.train("resume", { config });
  assertEquals(bench.notices.filter(isSaid), []);
});

Deno.test("checkpoints that took a step which is passed over are set aside, and go once newer ones verify", async () => {
  using bench = new Bench();
  const config = {
    ...bench.skipping,
    steps: 12,
    checkpoint: { ...bench.config().checkpoint, every: 2 },
  };
  const skip = { step: 6, skips: [5, 6] };
  await bench.train("begin", { config, until: 5 });
  // The run decided on its last step, and was killed before it went back.
  const path = `${bench.run}/journal.jsonl`;
  const { entries, crc } = parseJournal(bench.read("journal.jsonl"));
  const last = entries.at(-1) as JournalLine;
  const { line } = printLine({ ...last, ...skip, kind: "skip", seq: entries.length }, crc);
  Deno.writeTextFileSync(path, line + "\n", { append: true });
  const metrics = bench.read("metrics.jsonl");
  await bench.train("resume", { config, until: 7 });
  const notice = bench.notices.find((text) => text.startsWith("Set aside"));
  const aside = names(bench.checkpoints).filter((name) => name.startsWith(".undone-"));
  assertEquals(aside.map((name) => name.slice(0, 21)), [".undone-step-00000006"]);
  assertEquals(
    notice,
    "Set aside the checkpoints after step 5, which is passed over: they are kept in " +
      `${bench.checkpoints} as ${aside[0]} until newer ones verify`,
  );
  assertEquals(bench.read("metrics.jsonl.1"), metrics);
  assertEquals(bench.steps(), [1, 2, 3, 4, 5, 8]);
  await bench.train("resume", { config });
  assertEquals(bench.steps(), [1, 2, 3, 4, 5, 8, 9, 10, 11, 12]);
  assertEquals(names(bench.checkpoints), ["step-00000010", "step-00000012"]);
});

Deno.test("a journal says which steps are passed over and which checkpoints must be there", () => {
  const entry = (kind: string, more: object) => ({ seq: 0, at: 0, time: "", kind, ...more });
  const read = (...entries: JournalLine[]) => {
    const { saved, decisions, fault } = recordedIn({ entries, kept: "", crc: 0, unsealed: 0 });
    return { saved, skips: decisions.flatMap(({ skips }) => skips), fault };
  };
  const start = entry("start", { from: 0, steps: 9 });
  const [two, four, six] = [2, 4, 6].map((step) => entry("saved", { step })) as [
    JournalLine,
    JournalLine,
    JournalLine,
  ];
  const skip = (step: number, ...skips: number[]) => entry("skip", { step, skips });
  const cases: [JournalLine[], ReturnType<typeof read>["saved"], number[]][] = [
    [[], [], []],
    [[start, two, four], [2, 4], []],
    [[start, two, four, entry("removed", { steps: [2] })], [4], []],
    [[start, two, four, entry("set_aside", { steps: [4] })], [2], []],
    [[start, two, four, six, skip(6, 5, 6), entry("rewind", { from: 6, to: 4 })], [2, 4], [5, 6]],
    // A save that was begun before is published later, and what is to come may have any kind.
    [[start, skip(3, 3), two, entry("other", { step: -1 })], [2], [3]],
  ];
  for (const [entries, saved, skips] of cases) {
    assertEquals(read(...entries), { saved, skips, fault: undefined });
  }
  const bad: [JournalLine[], string][] = [
    [[start, four, two], "line 3 (saved) is of step 2, which lies before step 4"],
    [
      [start, entry("saved", { step: 11 })],
      "line 2 (saved) is of step 11, but the run ends at step 9",
    ],
    [[start, skip(3, 3), skip(2, 2)], "line 3 (skip) is of step 2, which lies before step 3"],
    [
      [start, skip(3, 3), skip(4, 3, 4)],
      "line 3 (skip) must list new steps up to 4 in order: it lists 3, 4",
    ],
    [
      [start, skip(3, 3, 2, 3)],
      "line 2 (skip) must list new steps up to 3 in order: it lists 3, 2, 3",
    ],
    [[entry("rewind", { from: 3, to: 4 })], "line 1 (rewind) goes from step 3 on to step 4"],
    [[entry("start", { from: 9, steps: 8 })], "line 1 (start) begins at step 9 of 8"],
  ];
  for (const [entries, fault] of bad) assertEquals(read(...entries).fault, fault);
  for (const value of [-1, 1.5, "3", null, undefined]) {
    for (const kind of ["saved", "skip"]) {
      const fault = read(start, entry(kind, { step: value, skips: [3] })).fault ?? "";
      assertMatch(fault, new RegExp(`^line 2 \\(${kind}\\) is not valid: step: `));
    }
  }
});
