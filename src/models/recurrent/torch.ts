/**
 * Converts our recurrent networks to PyTorch's names and back. Layers already have these names
 * (src/nn/recurrent.ts); the embedding is renamed, and the head is transposed to [K, H] as in
 * torch.nn.Linear. V vocabulary, K classes, H hidden units, G gates.
 */
import { UserError } from "../../base/user_error.ts";
import type { ForeignFile } from "../../checkpoint/tensors/foreign.ts";
import type { TargetKind } from "../../data/source.ts";
import type { NamedTensor } from "../../checkpoint/tensors/tensor.ts";
import { CELLS, type RecurrentConfig, recurrentSchema } from "./schema.ts";
import pytorch from "./pytorch.py" with { type: "text" };
import { parsed } from "../../exchange/parsed.ts";
import { inward, type LayoutRow, outward } from "../../exchange/rows.ts";
import { recurrentConfigSchema, type RecurrentExport } from "../../exchange/schema.ts";
import type { ExportLayout, Portable, Sizes } from "../../exchange/types.ts";

function rowsOf({ model, vocabulary, classes }: Sizes<RecurrentConfig>): LayoutRow[] {
  const { layers, width, bidirectional, cell } = model;
  const directions = bidirectional ? ["", "_reverse"] : [""];
  const rows = CELLS[cell].gates * width;
  const same = (name: string, shape: readonly number[]): LayoutRow => ({
    ours: `rnn.${name}`,
    theirs: `rnn.${name}`,
    shape,
  });
  const outer = directions.length * width;
  return [
    { ours: "tokens.weight", theirs: "embedding.weight", shape: [vocabulary, width] },
    ...Array.from({ length: layers }, (_, layer) =>
      directions.flatMap((direction) => {
        const suffix = `l${layer}${direction}`;
        return [
          same(`weight_ih_${suffix}`, [rows, layer === 0 ? width : outer]),
          same(`weight_hh_${suffix}`, [rows, width]),
          same(`bias_ih_${suffix}`, [rows]),
          same(`bias_hh_${suffix}`, [rows]),
        ];
      })).flat(),
    { ours: "head.weight", theirs: "head.weight", shape: [classes, outer], transposed: true },
    { ours: "head.bias", theirs: "head.bias", shape: [classes] },
  ];
}

/** The tensors with PyTorch's names. */
export function toTorch(portable: Portable<RecurrentConfig>): NamedTensor[] {
  return outward(portable.params, rowsOf(portable));
}

/** Kinds of targets as config.json names them. */
const ASKED = {
  next_token: "next",
  token_class: "each",
  sequence_class: "one",
} as const satisfies Partial<Record<TargetKind, RecurrentExport["asked"]>>;
const TARGET_KINDS = {
  next: "next_token",
  each: "token_class",
  one: "sequence_class",
} as const satisfies Record<RecurrentExport["asked"], TargetKind>;

/**
 * The config.json; `end`: end-of-document token. @throws {UserError} `config` for a cell that
 * PyTorch lacks.
 */
export function torchConfigOf(
  { model, context, vocabulary, classes, targetKind }: Sizes<RecurrentConfig>,
  end: number | undefined,
): RecurrentExport {
  const { cell, width, layers, bidirectional, dropout, shared_dropout, readout } = model;
  if (targetKind === "sequence") {
    throw new UserError("config", "Cannot export the network: need one that reads tokens alone");
  }
  if (cell === "gru_before") {
    throw new UserError(
      "config",
      "Cannot export cell gru_before: need a cell of PyTorch: torch.nn.GRU resets after the product",
    );
  }
  return {
    model_type: "shoal_recurrent",
    cell,
    vocab_size: vocabulary,
    hidden_size: width,
    num_layers: layers,
    bidirectional,
    dropout,
    shared_dropout,
    classes,
    asked: ASKED[targetKind],
    readout,
    context,
    eos_token_id: end ?? null,
  };
}

/** Reads a model in this layout. @throws {UserError} `data` for an invalid one. */
export function fromTorch(
  json: unknown,
  file: Pick<ForeignFile, "tensors" | "others">,
  { config: configPath, weights }: { config: string; weights: string },
): Portable<RecurrentConfig> {
  const config = parsed(recurrentConfigSchema, json, configPath);
  const { classes, asked, context, vocab_size: vocabulary } = config;
  const targetKind = TARGET_KINDS[asked];
  if (targetKind === "next_token" && classes !== vocabulary) {
    throw new UserError(
      "data",
      `Cannot import ${configPath}: classes: need ${vocabulary}, one for each token: ${classes}`,
    );
  }
  const model = parsed(recurrentSchema, {
    kind: "recurrent",
    cell: config.cell,
    layers: config.num_layers,
    width: config.hidden_size,
    dropout: config.dropout,
    shared_dropout: config.shared_dropout,
    bidirectional: config.bidirectional,
    readout: config.readout,
  }, configPath);
  const sizes = { model, context, vocabulary, classes, targetKind };
  return { ...sizes, params: inward(file, rowsOf(sizes), { what: weights }) };
}

/** PyTorch's names, with a module in Python that loads them. */
export const TORCH_LAYOUT: ExportLayout<RecurrentConfig> = {
  types: ["shoal_recurrent"],
  name: ({ cell }) => `${cell} with PyTorch's names`,
  config: torchConfigOf,
  tensors: toTorch,
  files: () => ({ "model.py": pytorch }),
  read: fromTorch,
};
