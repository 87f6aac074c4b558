/** Writes the targets of the lines of a prompt, for models of pairs. */
import { openPairModel, type PairModel } from "../../engine/targets/pair_model.ts";
import type { OpenedModel } from "../../artifacts/model.ts";
import { warn } from "../../base/text/say.ts";
import { type ExitName, UserError } from "../../base/user_error.ts";
import { countUnknown, unknownNote } from "../../data/unknown.ts";
import { writeTargets, type Writing } from "../../engine/targets/write.ts";
import { drawToken } from "../../generate/draw.ts";
import { rowKey, uniformAt } from "../../generate/uniform.ts";
import type { Status } from "../../report/progress/status.ts";
import type { Output } from "../../terminal/output.ts";
import { INTERRUPTED, stopOnSignals } from "../../terminal/signals.ts";
import { compilingIn } from "../../terminal/status.ts";
import { openDevice } from "../device.ts";
import { readPrompt } from "./prompt.ts";
import type { GenerateRequest } from "./request.ts";

/** Texts that are continued side by side. */
const SIDE_BY_SIDE = 64;

/** Writes a line for each line of the prompt. @throws {UserError} for lines that do not fit. */
export async function writeLines(
  opened: OpenedModel,
  request: GenerateRequest,
  { status, output }: { status: Status; output: Output },
): Promise<ExitName> {
  const { search: { beams }, stops, logprobs } = request;
  for (const [flag, isGiven] of Object.entries({ stop: stops.length > 0, logprobs })) {
    if (!isGiven) continue;
    throw new UserError("config", `Cannot take --${flag}: need a model that continues a text`);
  }
  const lines = (await readPrompt(request.prompt)).split("\n").filter((line) => line !== "");
  if (lines.length === 0) {
    throw new UserError("config", "Cannot write a target: need a source, as --prompt=hello: none");
  }
  const device = await openDevice(request.device, compilingIn(status));
  const rows = Math.max(beams, Math.min(SIDE_BY_SIDE, lines.length * beams * request.num));
  const pairs = await openPairModel(device, opened, rows);
  const sources = lines.map((line) => pairs.sourceOf(line));
  const { tokenizer } = pairs;
  for (const [i, source] of sources.entries()) {
    const ids = source.subarray(0, -1);
    const unknown = { unknown: countUnknown(ids, tokenizer), tokens: ids.length };
    const note = unknownNote(JSON.stringify(lines[i]), unknown);
    if (note !== undefined) warn(note);
  }
  status.end();
  const { stop } = stopOnSignals();
  const repeated = sources.flatMap((source) => Array.from({ length: request.num }, () => source));
  const targets = await writeTargets(pairs.writer, repeated, {
    writing: writingOf(request, pairs),
    signal: stop,
    most: Math.min(request.tokens, opened.context),
  });
  for (const target of targets) output.write(pairs.textOf(target) + "\n");
  if (stop.aborted) Deno.exit(INTERRUPTED);
  return "done";
}

/** A search, unless texts are to be drawn: with a temperature, for several texts of a source. */
function writingOf({ search, sampling, num, seed }: GenerateRequest, { end }: PairModel): Writing {
  if (num === 1) return { ...search, end };
  return {
    end,
    draw: (logits, source, tokens) =>
      drawToken(logits, {
        ...sampling,
        u: uniformAt(rowKey(seed, source), tokens.length),
        seen: new Set(tokens),
      }).id,
  };
}
