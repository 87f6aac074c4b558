/** The result of a run that has ended. */
import { UserError } from "../../src/base/user_error.ts";
import { tokensPerSecond } from "../../src/report/progress/rate.ts";
import type { RunContext } from "./context.ts";
import type { RunOutcome } from "./request.ts";

/** How the run ended. */
export function outcomeOf(context: RunContext): RunOutcome {
  const { group, course, tokensPerStep, hasStarted, run: { config: { steps } } } = context;
  const { step, loss, valLoss, rate, exchange, stateHash } = course;
  return {
    step,
    loss,
    valLoss,
    tokens: step * tokensPerStep,
    tokensPerS: tokensPerSecond(rate),
    exchangeShare: exchange.share,
    exchangeHidden: exchange.hidden,
    params: hasStarted ? group.facts.params : 0,
    adapter: hasStarted ? group.facts.identity.adapter : "",
    stateHash,
    stopped: step < steps,
    idle: !hasStarted,
  };
}

/** The fault that ends the run, with the step that a resume goes on from. */
export function withSavedStep(
  { run: { trains = true }, course: { written } }: RunContext,
  fault: UserError,
): UserError {
  if (!trains || written < 0) return fault;
  const text = `${fault.message}; step ${written} is saved: put it right and resume the run`;
  return new UserError(fault.exit, text);
}
