/** Checks before a run starts that a model of the user can generate as it says. */
import { minOf } from "../../base/extremes.ts";
import { foldName, rootKey, uniforms } from "../../base/random.ts";
import { sizeOf } from "../../base/shape.ts";
import type { RunConfig } from "../../config/schema.ts";
import { taskOf } from "../../data/sources/mod.ts";
import { openReference } from "../../device/reference.ts";
import { canGenerate, isUserModel } from "../../models/mod.ts";
import { initialValues, type Param } from "../../nn/scope.ts";
import { decodedShape } from "../decode_plan.ts";
import { Decoder } from "../decoder.ts";
import { holdParams } from "../load_params.ts";
import { requireSameLogits } from "./same_logits.ts";
import { requireDecodable } from "./structure.ts";

/**
 * Most parameters x tokens whose logits are compared on the reference device, which takes seconds.
 * Larger models are compared on the device of the first sample, and where they are opened.
 */
const MOST_WORK = 2 ** 26;

/**
 * Requires a model of the user that generates to give the same logits token by token as over a whole
 * window, with random parameters. `vocabulary`: that of the text. Does nothing for other models.
 * @throws {UserError} `config` naming the model and what differs.
 */
export async function requireGeneration(
  { model, data }: Pick<RunConfig, "model" | "data">,
  vocabulary: number,
): Promise<void> {
  if (!isUserModel(model) || !canGenerate(model)) return;
  const task = taskOf(data, vocabulary);
  if (task.targetKind !== "next_token" || task.classes !== task.vocabulary) return;
  const decoded = { model, vocabulary: task.vocabulary, context: task.time };
  requireDecodable(decoded);
  const { params } = decodedShape(decoded);
  const elements = params.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  if (elements * task.time > MOST_WORK) return;
  const device = openReference();
  const memory = device.memory();
  const values = new Map(params.map((param) => {
    const { name, shape } = param;
    return [name, { shape, data: randomValues(param) }] as const;
  }));
  const parts = { ...decoded, memory, layout: holdParams(memory, decoded, values) };
  const decoder = await Decoder.open(device, { ...parts, rows: 1 });
  await requireSameLogits(device, { ...parts, decoder, compared: task.time });
}

/**
 * Values with which every op has an effect, unlike initial ones, which may be zero. Matrices are so
 * small that recurrences contract: their rounding errors stay small over a window.
 */
function randomValues({ name, shape, init, decay }: Param): Float32Array {
  const key = rootKey(0);
  if (init.kind === "identity" || init.kind === "blocks") {
    return initialValues(key, { name, shape, init, decay });
  }
  const middle = init.kind === "ones" ? 1 : 0;
  const bound = shape.length < 2 ? 0.2 : Math.min(0.5, minOf(shape.slice(-2)) ** -0.5);
  return uniforms(foldName(key, name), sizeOf(shape), [middle - bound, middle + bound]);
}
