/** The error for a model of the user that cannot decode as it says. */
import { UserError } from "../../base/user_error.ts";
import { canGenerate, type ModelConfig } from "../../models/mod.ts";

/** The error: what the model needs, and what it has. */
export function cannotDecode(model: ModelConfig, text: string): UserError {
  const { kind, module } = model as ModelConfig & { readonly module?: string };
  const from = module === undefined ? "" : ` (${module})`;
  const rest = canGenerate(model) ? "; without generates it only trains" : "";
  return new UserError("config", `Cannot decode with model ${kind}${from}: ${text}${rest}`);
}
