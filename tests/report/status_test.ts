/** The status line: redrawn on a terminal, occasional lines elsewhere. */
import { assertEquals } from "@std/assert";
import { DrawnLine } from "../../src/report/progress/drawn_line.ts";
import { Status, statusText } from "../../src/report/progress/status.ts";

/** A status with a clock of its own, and all that it wrote. */
class Stage {
  terminal: boolean;
  text = "";
  ms = 0;
  readonly status: Status;
  #tick: (() => void) | undefined;

  constructor({ terminal, width = 80 }: { terminal: boolean; width?: number }) {
    this.terminal = terminal;
    const write = (text: string) => void (this.text += text);
    this.status = new Status(new DrawnLine({ terminal, write, width: () => width }), {
      now: () => this.ms,
      timer: (run) => {
        this.#tick = run;
        return () => this.#tick = undefined;
      },
    });
  }

  /** Advances the clock. */
  pass(ms: number): void {
    for (const end = this.ms + ms; this.ms < end;) {
      this.ms += 500;
      this.#tick?.();
    }
  }

  get lines(): string[] {
    return this.text.split("\n").slice(0, -1);
  }

  /** What a terminal shows in its last line. */
  get last(): string {
    return this.text.split("\r\x1b[K").at(-1) ?? "";
  }

  /** Whether a timer is left. */
  get isTicking(): boolean {
    return this.#tick !== undefined;
  }
}

Deno.test("a terminal shows an activity at once, and its elapsed time every half second", () => {
  const stage = new Stage({ terminal: true });
  stage.status.show("reading the text");
  assertEquals(stage.last, "reading the text");
  stage.pass(3000);
  assertEquals(stage.last, "reading the text  3 s");
  stage.status.show("compiling kernels", { done: 1, total: 9, where: "on 2 workers" });
  assertEquals(stage.last, "compiling kernels 1/9 on 2 workers");
  stage.status.end();
  assertEquals([stage.last, stage.isTicking], ["", false]);
});

Deno.test("other outputs get a line after 2 s, 10 s later, and at growing intervals", () => {
  const stage = new Stage({ terminal: false });
  stage.status.show("reading");
  stage.pass(1500);
  stage.status.end();
  assertEquals(stage.text, "");
  for (let done = 0; done < 200; done++) {
    stage.status.show("evaluating", { done, total: 200 });
    stage.pass(500);
  }
  stage.status.end();
  assertEquals(stage.lines, [
    "evaluating 3/200  2 s",
    "evaluating 23/200  12 s",
    "evaluating 63/200  32 s",
    "evaluating 143/200  1 m 12 s",
  ]);
  stage.pass(20_000);
  assertEquals(stage.lines.length, 4);
});

Deno.test("after a blocked event loop, the next call updates the line", () => {
  const stage = new Stage({ terminal: false });
  stage.status.show("fitting", { done: 0, total: 9 });
  stage.ms += 2500; // Without a tick.
  stage.status.show("fitting", { done: 1, total: 9 });
  assertEquals(stage.lines, ["fitting 1/9  3 s"]);
});

Deno.test("permanent lines are above the drawn one, which is never as wide as the terminal", () => {
  const stage = new Stage({ terminal: true, width: 12 });
  stage.status.show("evaluating the model");
  stage.status.print("a note");
  assertEquals(
    stage.text,
    [
      "\r\x1b[Kevaluating ",
      "\r\x1b[Ka note\n",
      "\r\x1b[Kevaluating ",
    ].join(""),
  );
});

Deno.test("statusText() estimates the time left once enough equal parts are done", () => {
  const even = (done: number, seconds: number) =>
    statusText("evaluating", { done, total: 100, even: true }, seconds);
  assertEquals(even(50, 1), "evaluating 50/100");
  assertEquals(even(50, 3), "evaluating 50/100  3 s");
  assertEquals(even(9, 9), "evaluating 9/100  9 s");
  assertEquals(even(20, 9), "evaluating 20/100  9 s, 36 s left");
  assertEquals(even(100, 9), "evaluating 100/100  9 s");
  assertEquals(statusText("compiling", { done: 50, total: 100 }, 9), "compiling 50/100  9 s");
  assertEquals(statusText("reading", undefined, 70), "reading  1 m 10 s");
});
