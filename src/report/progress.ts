/**
 * Shows a run to a person: one line that redraws itself on a terminal, plain lines elsewhere.
 * Knows nothing of where the text goes.
 */
import type { RunFacts, Sink, StepFacts } from "./events.ts";
import { linesOf } from "./lines.ts";
import { type Progress, progressLine } from "./progress_line.ts";
import { secondsLeft } from "./rate.ts";

/** How to show it. */
export interface PrinterOptions {
  /** Whether the text goes to a terminal. */
  readonly terminal: boolean;
  /** Elsewhere than on a terminal: steps from one line to the next. */
  readonly every: number;
  readonly write: (text: string) => void;
  /** Columns of the terminal, asked for each line; 80 if left out. */
  readonly width?: () => number;
}

const ERASE = "\r\x1b[K";

/** A sink that writes progress. Elsewhere than on a terminal, lines are as long as they need. */
export function progressPrinter({ terminal, every, write, width }: PrinterOptions): Sink {
  let run: RunFacts | undefined;
  let progress: Progress = { step: 0, steps: 0 };
  let drawn = false;

  /** Draws the line that the next output replaces. */
  const draw = () => {
    // A line as wide as the terminal leaves the cursor past its end: some wrap there.
    write(ERASE + progressLine(progress, (width?.() ?? 80) - 1));
    drawn = true;
  };
  /** Prints lines that stay, above the drawn one. */
  const print = (lines: readonly string[]) => {
    if (lines.length === 0) return;
    write((drawn ? ERASE : "") + lines.map((line) => line + "\n").join(""));
    if (drawn) draw();
  };

  return (event) => {
    if (event.type === "start") {
      run = event.run;
      progress = { step: run.from, steps: run.steps };
    } else if (event.type === "step") {
      progress = advance(progress, { event, tokensPerStep: run?.tokensPerStep ?? 0 });
      if (terminal) draw();
      else if (isDue(event.step, { run, every })) print([progressLine(progress, Infinity)]);
    } else if (event.type === "eval") {
      progress = { ...progress, valLoss: event.valLoss };
    } else if (event.type === "end" && drawn) {
      write("\n"); // The last line of progress stays.
      drawn = false;
    }
    print(linesOf(event));
  };
}

function advance(
  before: Progress,
  { event, tokensPerStep }: { event: StepFacts; tokensPerStep: number },
): Progress {
  const { step, loss, lr, gradNorm, tokensPerS } = event;
  const left = secondsLeft({ step, steps: before.steps, tokensPerStep, tokensPerS });
  return { ...before, step, loss, lr, gradNorm, tokensPerS, secondsLeft: left };
}

function isDue(
  step: number,
  { run, every }: { run: RunFacts | undefined; every: number },
): boolean {
  return step % every === 0 || step === (run?.from ?? 0) + 1 || step === run?.steps;
}
