/** Defaults of a run that begins with an existing model (config key `init`). */
import { openModel } from "../artifacts/model.ts";
import { isPlain, type PlainConfig } from "../config/overrides.ts";

/**
 * A config whose model sizes and sequence length default to those of the model in `init`; as it is
 * without one. @throws {UserError} where that model cannot be opened.
 */
export async function withInitialModel(
  input: PlainConfig,
  warn: (text: string) => void,
): Promise<PlainConfig> {
  const { init, data } = input;
  if (typeof init !== "string") return input;
  const { model, context, config, notes = [] } = await openModel(init, { warn });
  for (const note of notes) warn(note);
  const own = isPlain(data) ? data : {};
  const seq_len = own["seq_len"] ?? config?.data.seq_len ?? context;
  const bptt = config?.data.bptt ?? null;
  return {
    ...input,
    model: { ...model, ...(isPlain(input["model"]) && input["model"]) },
    data: { bptt, ...own, seq_len },
  };
}
