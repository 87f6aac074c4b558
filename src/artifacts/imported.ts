/**
 * Writes a run's folder at step 0 from an imported model: its config, and one checkpoint with zero
 * optimizer moments. The training data is chosen later.
 */
import { join } from "node:path";
import { UserError } from "../base/user_error.ts";
import { sameShape, showShape } from "../base/shape.ts";
import { VERSION } from "../base/version.ts";
import { saveCheckpoint } from "../checkpoint/commit.ts";
import type { NamedTensor } from "../checkpoint/tensors/tensor.ts";
import { configHash } from "../config/identity.ts";
import { resolveConfig } from "../config/resolve.ts";
import type { RunConfig } from "../config/schema.ts";
import { stateVectors } from "../optim/mod.ts";
import { writeJsonAtomic } from "../report/atomic.ts";
import { NO_DATA } from "../corpus/corpus.ts";
import { publishFolder, requireFree } from "./exported.ts";
import type { OpenedModel } from "./model.ts";
import { shapeOf } from "../engine/plans.ts";

/**
 * Writes `out` atomically and returns the run's config. @throws {UserError} `config` when `out` is
 * not empty or the model is a classifier, `tooLarge` when the disk lacks space.
 */
export async function writeImported(
  out: string,
  { opened, name }: { opened: OpenedModel; name: string },
): Promise<RunConfig> {
  const config = configFor(opened, { out, name });
  const model = parametersFor(opened, config);
  const optimizer = stateVectors(config.optim).slice(1).flatMap((moment) =>
    model.map(({ name, shape, data }) => ({
      name: `${moment}.${name}`,
      shape,
      data: new Float32Array(data.length),
    }))
  );
  await requireFree(out);
  await publishFolder(out, {
    bytes: [...model, ...optimizer].reduce((sum, { data }) => sum + data.byteLength, 0),
    async fill(folder) {
      const manifest = {
        step: 0,
        tokens: 0,
        workers: config.workers,
        microBatches: config.micro_batches,
        seed: config.seed,
        config,
        configHash: configHash(config),
        dataHash: NO_DATA,
        tokenizer: opened.tokenizer?.toJSON() ?? null,
        adapter: "imported",
        deno: Deno.version.deno,
        shoal: VERSION,
        position: { window: 0 },
      };
      await saveCheckpoint(join(folder, "checkpoints"), { manifest, model, optimizer });
      writeJsonAtomic(join(folder, "config.json"), config);
    },
  });
  return config;
}

function configFor(
  { path, model, context, targetKind, source = "text" }: OpenedModel,
  { out, name }: { out: string; name: string },
): RunConfig {
  if (source === "text" && targetKind !== "next_token") {
    throw new UserError(
      "config",
      `Cannot import ${path}: need a model that is asked for the next token: it gives labels`,
    );
  }
  return resolveConfig({ name, out, model, data: { source, seq_len: context } });
}

/** The parameters in the order in which a run saves them. */
function parametersFor(
  { path, params, vocabulary }: OpenedModel,
  config: RunConfig,
): NamedTensor[] {
  return shapeOf(config, vocabulary).layout.entries.map(({ name, shape }) => {
    const found = params.get(name);
    if (found !== undefined && sameShape(found.shape, shape)) return found;
    const actual = found === undefined ? "missing" : showShape(found.shape);
    throw new UserError(
      "config",
      `Cannot import ${path} for windows of ${config.data.seq_len} tokens: need ${name} ` +
        `${showShape(shape)}: it is ${actual}`,
    );
  });
}
