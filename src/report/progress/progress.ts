/**
 * Shows a run to a person: one line that redraws itself on a terminal, plain lines elsewhere.
 * Knows nothing of where the text goes.
 */
import { doingOf } from "./doing.ts";
import { DrawnLine, type Screen } from "./drawn_line.ts";
import type { EventSink, RunEvent, RunFacts, StepFacts } from "../events.ts";
import { linesOf } from "../lines.ts";
import { progressLine, type ProgressState } from "./progress_line.ts";
import { secondsLeft } from "./rate.ts";
import { Status, type StatusOptions } from "./status.ts";

/** How to show it. */
export interface PrinterOptions extends Screen, StatusOptions {
  /** Elsewhere than on a terminal: steps from one line to the next. */
  readonly every: number;
}

/** Events that end what is being done. */
const DONE: readonly RunEvent["type"][] = ["start", "eval", "sample", "checkpoint", "end"];
/** Steps of this process from which a speed is shown, and from which what is left is guessed. */
const TIMED = 2;
const GUESSED = 6;

/**
 * A sink that writes progress. Elsewhere than on a terminal, lines are as long as they need.
 * Disposing it leaves the cursor below what was drawn.
 */
export function progressPrinter(
  { every, now, timer, ...screen }: PrinterOptions,
): EventSink & Disposable {
  const line = new DrawnLine(screen);
  const status = new Status(line, { ...now && { now }, ...timer && { timer } });
  let run: RunFacts | undefined;
  let progress: ProgressState = { step: 0, steps: 0 };
  /** Steps since training began here, or began again. */
  let seen = 0;

  const sink: EventSink = (event) => {
    const doing = doingOf(event);
    if (doing !== undefined) return status.show(doing.what, doing.reached);
    switch (event.type) {
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
    }
    if (DONE.includes(event.type)) status.end();
    const isOver = event.type === "end";
    if (!isOver) line.print(linesOf(event, line.width));
    if (seen > 0 && !line.isDrawn) line.draw(progressLine(progress, line.width));
    if (!isOver) return;
    line.keep(); // The last line of progress stays.
    seen = 0;
    line.print(linesOf(event, line.width));
  };
  return Object.assign(sink, {
    [Symbol.dispose]() {
      status.end();
      line.keep();
    },
  });
}

/** A first step tells nothing of the next ones: what it needs is made ready in it. */
function advance(
  before: ProgressState,
  { event, tokensPerStep, seen }: { event: StepFacts; tokensPerStep: number; seen: number },
): ProgressState {
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
