/** What peers are compared by: the rows, their sizes, and where each is run. Pure. */
import type { RunInput } from "../../src/config/schema.ts";
import type { Kind } from "../peers/task.ts";

/** Where a row is run unless it is asked for: everywhere, on real GPUs, or with `--full` alone. */
export type Where = "quick" | "gpu" | "full";

/** A row of the comparison. */
export interface Row {
  readonly name: string;
  readonly kind: Kind;
  readonly where: Where;
  readonly sizes: Readonly<Record<string, number>>;
  /** Model that is trained or decoded. */
  readonly model?: NonNullable<RunInput["model"]>;
}

const matmul = (n: number, where: Where): Row => ({
  name: `matmul ${n}`,
  kind: "matmul",
  where,
  sizes: { m: n, k: n, n },
});

/** Causal attention, forwards and backwards: B windows, T tokens, D width, H heads. */
const attention = (where: Where, sizes: { B: number; T: number; D: number; H: number }): Row => ({
  name: `attention ${sizes.B}x${sizes.T}x${sizes.D}, ${sizes.H} heads`,
  kind: "attention",
  where,
  sizes,
});

/** Layer normalisation, forwards and backwards: R rows of D. */
const layerNorm = (where: Where, sizes: { R: number; D: number }): Row => ({
  name: `layer norm ${sizes.R}x${sizes.D}`,
  kind: "layer_norm",
  where,
  sizes,
});

/** L layers of width D with H heads; B windows of T tokens, vocabulary V. */
interface GptSizes {
  readonly L: number;
  readonly D: number;
  readonly H: number;
  readonly T: number;
  readonly B: number;
  readonly V: number;
  readonly tied: boolean;
}

function gpt(name: string, where: Where, { tied, ...sizes }: GptSizes): Row {
  return {
    name: `GPT ${name}`,
    kind: "gpt",
    where,
    sizes: { ...sizes, tied: Number(tied) },
    model: {
      kind: "gpt",
      layers: sizes.L,
      width: sizes.D,
      heads: sizes.H,
      dropout: 0,
      tie_embeddings: tied,
    },
  };
}

/** Decoding of one text of T tokens with a cache, from the first token. */
function generate(name: string, where: Where, sizes: Omit<GptSizes, "B">): Row {
  return { ...gpt(name, where, { ...sizes, B: 1 }), name: `generate ${name}`, kind: "generate" };
}

function lstm(
  where: Where,
  sizes: { L: number; D: number; T: number; B: number; V: number },
): Row {
  return {
    name: `LSTM ${sizes.L}x${sizes.D}`,
    kind: "lstm",
    where,
    sizes,
    model: { kind: "recurrent", cell: "lstm", layers: sizes.L, width: sizes.D },
  };
}

/** Vocabulary of the small models: the characters of nanoGPT's shakespeare_char. */
const V = 65;

/** All rows, in the order in which they are run: what takes longest comes last. */
export const ROWS: readonly Row[] = [
  matmul(512, "quick"),
  matmul(1024, "quick"),
  matmul(4096, "gpu"),
  attention("quick", { B: 16, T: 128, D: 128, H: 4 }),
  attention("gpu", { B: 8, T: 1024, D: 768, H: 12 }),
  layerNorm("quick", { R: 2048, D: 128 }),
  layerNorm("gpu", { R: 8192, D: 768 }),
  gpt("0.11M", "quick", { L: 2, D: 64, H: 4, T: 64, B: 16, V, tied: false }),
  lstm("quick", { L: 2, D: 128, T: 64, B: 16, V }),
  gpt("0.83M", "quick", { L: 4, D: 128, H: 4, T: 128, B: 16, V, tied: false }),
  generate("0.83M", "quick", { L: 4, D: 128, H: 4, T: 128, V, tied: false }),
  gpt("10.7M", "gpu", { L: 6, D: 384, H: 6, T: 256, B: 64, V, tied: true }),
  gpt("124M", "gpu", { L: 12, D: 768, H: 12, T: 1024, B: 8, V: 50257, tied: true }),
  lstm("gpu", { L: 2, D: 512, T: 64, B: 32, V }),
];

/**
 * The config of a training step: all windows in a micro-batch for each of `world` workers, a constant
 * rate, no clipping.
 */
export function configOfRow({ name, sizes, model }: Row, world = 1): RunInput {
  return {
    name: name.replaceAll(" ", "_"),
    steps: 1_000_000,
    micro_batches: world,
    micro_batch_size: sizes["B"] as number / world,
    ...model !== undefined && { model },
    data: { seq_len: sizes["T"] as number },
    optim: { ...OPTIM, schedule: "constant", warmup_steps: 0, clip: 0 },
  };
}

/** AdamW of all training steps. */
export const OPTIM = { lr: 1e-3, beta1: 0.9, beta2: 0.99, eps: 1e-8, weight_decay: 0.1 } as const;

/** FLOP of one matmul; nothing for other rows, whose counts are matters of opinion. */
export function flopsOf({ kind, sizes: { m = 0, k = 0, n = 0 } }: Row): number | undefined {
  return kind === "matmul" ? 2 * m * k * n : undefined;
}

/** Tokens of a training step, or of a decoded text. */
export function tokensOf({ model, sizes: { B = 0, T = 0 } }: Row): number | undefined {
  return model === undefined ? undefined : B * T;
}
