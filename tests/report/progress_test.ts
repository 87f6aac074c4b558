import { assert, assertEquals } from "@std/assert";
import type { RunEvent } from "../../src/report/events.ts";
import { progressPrinter } from "../../src/report/progress/progress.ts";
import { checkpoint, END, evaluation, start, step } from "./fixture.ts";

function shown(
  events: readonly RunEvent[],
  { terminal = false, width = 80 }: { terminal?: boolean; width?: number } = {},
): string {
  let text = "";
  const write = (piece: string) => void (text += piece);
  const sink = progressPrinter({ terminal, every: 10, write, width: () => width });
  for (const event of events) sink(event);
  return text;
}

/** The final contents of a terminal: `\r` and erase restart a line. */
function screen(text: string): string[] {
  return text.split("\n").map((line) => line.split("\r\x1b[K").at(-1) ?? "");
}

const steps = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => step(from + i));

Deno.test("piped progress has the first, every tenth and the last step", () => {
  const text = shown([start(), ...steps(1, 40)]);
  const lines = text.trimEnd().split("\n");
  assertEquals(
    lines[0],
    "training on 2 workers, reference, from step 0 to 40",
  );
  const printed = lines.slice(1).map((line) => /step +(\d+)\/40/.exec(line)?.[1]);
  assertEquals(printed, ["1", "10", "20", "30", "40"]);
  // The first step includes compilation, so it shows no speed and no time left.
  assertEquals(lines[1], "step  1/40  loss 4.9375  lr 3.00e-4  norm 1.50");
  assertEquals(lines[2], "step 10/40  loss 4.3750  lr 3.00e-4  norm 1.50  32 tok/s  1 m 0 s left");
  assert(!text.includes("\r") && !text.includes("\x1b"));
});

Deno.test("piped progress of a resumed run begins with its own first step", () => {
  const lines = shown([start(33), ...steps(34, 40)]).trimEnd().split("\n");
  assertEquals(lines[0], "training on 2 workers, reference, from step 33 to 40");
  const printed = lines.slice(1).map((line) => /step +(\d+)\/40/.exec(line)?.[1]);
  assertEquals(printed, ["34", "40"]);
});

Deno.test("piped progress has each evaluation, checkpoint, notice and sample", () => {
  const events: RunEvent[] = [
    start(),
    step(3),
    evaluation(3),
    checkpoint(3),
    { type: "notice", text: "worker 1 was replaced" },
    { type: "sample", step: 3, prompt: "Call", text: " me\nIshmael\x1b[2J" },
    step(10),
  ];
  assertEquals(shown(events).trimEnd().split("\n").slice(1), [
    "eval at step 3: val loss 4.2500",
    "saved out/step (2.10 MB in 45 ms)",
    "worker 1 was replaced",
    'sample at step 3, prompt "Call":',
    "  Call me",
    "  Ishmael\\u001b[2J",
    "step 10/40  loss 4.3750  val 4.2500  lr 3.00e-4  norm 1.50  32 tok/s",
  ]);
});

Deno.test("an evaluation shows its accuracy if it has one", () => {
  const at = (valAccuracy: number) =>
    shown([start(), { type: "eval", step: 3, valLoss: 0.5, valAccuracy }]).split("\n")[1];
  assertEquals(at(0.87654), "eval at step 3: val loss 0.5000, accuracy 87.7 %");
  assertEquals(at(0), "eval at step 3: val loss 0.5000, accuracy 0.0 %");
});

Deno.test("the end tells the result and the whole state hash", () => {
  assertEquals(shown([END]).trimEnd().split("\n"), [
    "done: 40 steps in 1 m 20 s, loss 2.5000, val loss 4.2500, 32 tok/s",
    `state ${"ab".repeat(32)}`,
  ]);
});

Deno.test("on a terminal one line is redrawn and other lines stay above it", () => {
  const events = [start(), step(1), step(2), evaluation(2), checkpoint(2), step(3)];
  const text = shown(events, { terminal: true });
  assertEquals(screen(text).slice(1), [
    "eval at step 2: val loss 4.2500",
    "saved out/step (2.10 MB in 45 ms)",
    "step  3/40  loss 4.8125  val 4.2500  lr 3.00e-4  norm 1.50  32 tok/s",
  ]);
  assertEquals(text.split("step  1/40").length, 2);
});

Deno.test("on a terminal the last line of progress stays at the end", () => {
  const text = shown([start(), step(40), END], { terminal: true });
  const lines = screen(text);
  assertEquals(lines[1]?.startsWith("step 40/40  loss 2.5000"), true);
  assertEquals(lines[2]?.startsWith("done: 40 steps"), true);
  assert(text.endsWith("\n"));
});

Deno.test("on a terminal no redrawn line reaches the last column", () => {
  for (const width of [1, 10, 25, 40, 60, 80, 200]) {
    const text = shown([start(), step(1), evaluation(1), step(2)], { terminal: true, width });
    for (const drawn of text.split("\r\x1b[K").slice(1)) {
      const line = drawn.split("\n")[0] ?? "";
      if (line.startsWith("step")) assert(line.length < width, `${line.length} of ${width}`);
    }
  }
});

Deno.test("the time left is estimated from the sixth step of this process, and again after a rewind", () => {
  const guessed = (events: readonly RunEvent[]) =>
    screen(shown(events, { terminal: true, width: 200 })).at(-1)?.includes(" left");
  assertEquals(guessed([start(), ...steps(1, 5)]), false);
  assertEquals(guessed([start(), ...steps(1, 6)]), true);
  assertEquals(guessed([start(33), ...steps(34, 38)]), false);
  assertEquals(guessed([start(), ...steps(1, 9), { type: "rewind", step: 4 }, step(5)]), false);
});

const compiling = (done: number): RunEvent => ({
  type: "progress",
  of: "kernels",
  done,
  total: 96,
  workers: 2,
});

Deno.test("kernels that are compiled are counted on a terminal, below the header", () => {
  const header: RunEvent = { type: "header", rows: [["run", "tiny"], ["folder", "runs/tiny"]] };
  const text = shown([header, { type: "doing", what: "starting 2 workers" }, compiling(31)], {
    terminal: true,
  });
  assertEquals(screen(text), [
    "run     tiny",
    "folder  runs/tiny",
    "",
    "compiling kernels 31/96 on 2 workers",
  ]);
  const trained = shown([header, compiling(31), start(), step(1)], { terminal: true });
  assertEquals(screen(trained).slice(3), [
    "training on 2 workers, reference, from step 0 to 40",
    "step  1/40  loss 4.9375  lr 3.00e-4  norm 1.50",
  ]);
});

Deno.test("an activity before a step replaces the progress line", () => {
  const evaluating: RunEvent = { type: "progress", of: "sequences", done: 3, total: 9, workers: 1 };
  const events = [start(), step(1), evaluating];
  assertEquals(screen(shown(events, { terminal: true })).at(-1), "evaluating 3/9 on 1 worker");
  const after = screen(shown([...events, evaluation(1)], { terminal: true }));
  assertEquals(after.slice(1), [
    "eval at step 1: val loss 4.2500",
    "step  1/40  loss 4.9375  val 4.2500  lr 3.00e-4  norm 1.50",
  ]);
});

Deno.test("a disposed printer leaves the cursor below the drawn line", () => {
  let text = "";
  {
    using sink = progressPrinter({ terminal: true, every: 10, write: (piece) => text += piece });
    for (const event of [start(), step(1), compiling(1)]) sink(event);
  }
  assert(!text.endsWith("1/96 on 2 workers"), text);
  assert(text.endsWith("\r\x1b[K"), JSON.stringify(text));
});
