/** Checks by its traces that a model of the user can decode. */
import { sameShape, showShape } from "../../base/shape.ts";
import { UserError } from "../../base/user_error.ts";
import { newTrace } from "../../graph/trace.ts";
import { isUserModel, modelOf } from "../../models/mod.ts";
import { newScope } from "../../nn/scope.ts";
import type { Param } from "../../nn/scope.ts";
import { type DecodedModel, decodedShape } from "../decode_plan.ts";
import { cannotDecode } from "./refusal.ts";

/**
 * Requires a model of the user to declare the same parameters for one token as for a whole window, and
 * to keep earlier tokens in the memory that `generates` names. Does nothing for other models.
 * @throws {UserError} `config` naming the model and what differs.
 */
export function requireDecodable(decoded: DecodedModel): void {
  const { model, context } = decoded;
  if (!isUserModel(model)) return;
  const { params, windowed, carries } = tracedForOne(decoded);
  const window = wholeParams(decoded);
  for (const name of new Set([...window.keys(), ...params.map((param) => param.name)])) {
    const whole = window.get(name)?.shape;
    const one = params.find((param) => param.name === name)?.shape;
    if (whole !== undefined && one !== undefined && sameShape(whole, one)) continue;
    const shown = (shape: Param["shape"] | undefined) =>
      shape === undefined ? "missing" : showShape(shape);
    throw cannotDecode(
      model,
      `need the same parameters for one token as for ${context}: ${name} is ${shown(whole)} for ` +
        `${context}, and ${shown(one)} for one`,
    );
  }
  const said = modelOf(model).generates?.(model) ?? "";
  if (typeof said === "string") return;
  if (said.memory === "state" && windowed) {
    throw cannotDecode(
      model,
      'need generates to return { memory: "window" }, since it has caches or positions: got "state"',
    );
  }
  if (said.memory === "window" && !windowed && carries.length > 0) {
    throw cannotDecode(
      model,
      'need generates to return { memory: "state" }, since it has recurrent states alone: got ' +
        '"window"',
    );
  }
}

function tracedForOne(decoded: DecodedModel) {
  try {
    return decodedShape(decoded);
  } catch (error) {
    if (error instanceof RangeError) throw cannotDecode(decoded.model, error.message);
    if (!(error instanceof UserError)) throw error;
    throw new UserError(error.exit, `${error.message}; without generates it only trains`);
  }
}

/** The parameters that a model declares for the logits of a whole window, by name. */
function wholeParams({ model, vocabulary, context }: DecodedModel): ReadonlyMap<string, Param> {
  const trace = newTrace();
  const { scope, params } = newScope(trace, { training: false });
  const tokens = trace.source({ shape: [1, context], dtype: "u32" }, "batch", "tokens");
  const input = { tokens, vocabulary, classes: vocabulary, last: false, carries: false };
  modelOf(model).logits?.(scope, input, model);
  return new Map(params.map((param) => [param.name, param]));
}
