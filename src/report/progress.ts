/**
 * Shows a run to a person: one line that redraws itself on a terminal, plain lines elsewhere.
 * Knows nothing of where the text goes.
 */
import { DrawnLine, type Screen } from "./drawn_line.ts";
import type { ProgressFacts, RunFacts, Sink, StepFacts } from "./events.ts";
import { linesOf } from "./lines.ts";
import { type Progress, progressLine } from "./progress_line.ts";
import { secondsLeft } from "./rate.ts";
import { Status, type StatusOptions } from "./status.ts";

/** How to show it. */
export interface PrinterOptions extends Screen, StatusOptions {
  /** Elsewhere than on a terminal: steps from one line to the next. */
  readonly every: number;
}

/** Steps of this process from which a speed is shown, and from which what is left is guessed. */
const TIMED = 2;
const GUESSED = 6;

/** A sink that writes progress. Elsewhere than on a terminal, lines are as long as they need. */
export function progressPrinter({ every, now, timer, ...screen }: PrinterOptions): Sink {
  const line = new DrawnLine(screen);
  const status = new Status(line, { ...now && { now }, ...timer && { timer } });
  let run: RunFacts | undefined;
  let progress: Progress = { step: 0, steps: 0 };
  /** Steps since training began here, or began again. */
  let seen = 0;

  return (event) => {
    switch (event.type) {
      case "progress":
        return status.show(...doing(event));
      case "doing":
        return status.show(event.what);
      case "start":
        run = event.run;
        progress = { step: run.from, steps: run.steps };
        seen = 0;
        break;
      case "rewind":
        seen = 0;
        break;
      case "eval":
        progress = { ...progress, valLoss: event.valLoss };
        break;
      case "step": {
        status.end();
        seen++;
        progress = advance(progress, { event, tokensPerStep: run?.tokensPerStep ?? 0, seen });
        line.draw(progressLine(progress, line.width));
        if (!screen.terminal && isDue(event.step, { run, every })) {
          line.print([progressLine(progress, Infinity)]);
        }
        return;
      }
      case "end":
        line.keep(); // The last line of progress stays.
    }
    const isOver = ["start", "eval", "sample", "checkpoint"].includes(event.type);
    if (isOver) status.end();
    if (event.type !== "end" && seen > 0) line.draw(progressLine(progress, line.width));
    line.print(linesOf(event, line.width));
  };
}

function doing({ of, done, total, workers }: ProgressFacts): Parameters<Status["show"]> {
  const where = `on ${workers} ${workers === 1 ? "worker" : "workers"}`;
  if (of === "kernels") return ["compiling kernels", { done, total, where }];
  return ["evaluating", { done, total, where, even: true }];
}

/** A first step tells nothing of the next ones: what it needs is made ready in it. */
function advance(
  before: Progress,
  { event, tokensPerStep, seen }: { event: StepFacts; tokensPerStep: number; seen: number },
): Progress {
  const { step, loss, lr, gradNorm } = event;
  const tokensPerS = seen < TIMED ? undefined : event.tokensPerS;
  const left = seen < GUESSED ? undefined : secondsLeft({
    step,
    steps: before.steps,
    tokensPerStep,
    tokensPerS: event.tokensPerS,
  });
  return { ...before, step, loss, lr, gradNorm, tokensPerS, secondsLeft: left };
}

function isDue(
  step: number,
  { run, every }: { run: RunFacts | undefined; every: number },
): boolean {
  return step % every === 0 || step === (run?.from ?? 0) + 1 || step === run?.steps;
}
