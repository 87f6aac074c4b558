/** What ends a run from outside: its stop signal, and the loss of its folder. */
import { UserError } from "../../src/base/user_error.ts";
import type { RunContext } from "./context.ts";

/** On a stop, cuts evaluations and samples short; fails the run if it does not end in time. */
export function hurryOnStop(context: RunContext): Disposable {
  const { stop, group, course, run: { config } } = context;
  const seconds = config.recovery.grace_s;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const onStop = () => {
    if (context.hasStarted) group.order({ type: "hurry" }).catch(() => {});
    timer = setTimeout(() => {
      const { written } = course;
      const newest = written < 0 ? "there is no checkpoint" : `the newest is of step ${written}`;
      const text = `Cannot end in time: recovery.grace_s (${seconds} s) are over; ${newest}`;
      group.fail(new UserError("lost", text));
    }, 1000 * seconds);
  };
  if (stop.aborted) onStop();
  else stop.addEventListener("abort", onStop, { once: true });
  return {
    [Symbol.dispose]: () => {
      clearTimeout(timer);
      stop.removeEventListener("abort", onStop);
    },
  };
}

/** Ends the run at once when its folder is lost: nothing that it computes could be saved. */
export function failWhenFolderIsLost({ group, run: { lost } }: RunContext): Disposable {
  const onLoss = () => group.fail(lost?.reason);
  if (lost?.aborted) onLoss();
  else lost?.addEventListener("abort", onLoss, { once: true });
  return { [Symbol.dispose]: () => lost?.removeEventListener("abort", onLoss) };
}
