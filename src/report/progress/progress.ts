/**
 * Shows a run's progress: one redrawn line on a terminal, plain lines elsewhere.
 */
import { activityOf } from "./activity.ts";
import { DrawnLine, type Screen } from "./drawn_line.ts";
import type { EventSink, RunEvent, RunFacts, StepFacts } from "../events.ts";
import { linesOf } from "../lines.ts";
import { progressLine, type ProgressState } from "./progress_line.ts";
import { secondsLeft } from "./rate.ts";
import { Status, type StatusOptions } from "./status.ts";

/** How progress is shown. */
export interface PrinterOptions extends Screen, StatusOptions {
  /** Steps between lines if the output is not a terminal. */
  readonly every: number;
}

/** Events that end the current activity. */
const DONE: readonly RunEvent["type"][] = ["start", "eval", "sample", "checkpoint", "end"];
/** Steps of this process after which the speed is shown, and the time left is estimated. */
const SPEED_FROM = 2;
const ESTIMATE_FROM = 6;

/**
 * A sink that writes progress. Lines are cut only on a terminal. Disposing it leaves the cursor
 * below the drawn line.
 */
export function progressPrinter(
  { every, now, timer, ...screen }: PrinterOptions,
): EventSink & Disposable {
  const line = new DrawnLine(screen);
  const status = new Status(line, { ...now && { now }, ...timer && { timer } });
  let run: RunFacts | undefined;
  let progress: ProgressState = { step: 0, steps: 0 };
  /** Steps since this process began training, or since the last rewind. */
  let seen = 0;

  const sink: EventSink = (event) => {
    const doing = activityOf(event);
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
    line.keep(); // The last progress line becomes permanent.
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

/** Ignores the speed of the first steps, which include compilation. */
function advance(
  before: ProgressState,
  { event, tokensPerStep, seen }: { event: StepFacts; tokensPerStep: number; seen: number },
): ProgressState {
  const { step, loss, lr, gradNorm } = event;
  const tokensPerS = seen < SPEED_FROM ? undefined : event.tokensPerS;
  const left = seen < ESTIMATE_FROM ? undefined : secondsLeft({
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
