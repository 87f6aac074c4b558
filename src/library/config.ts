/** The config of a run as programs write it. */
import type { DeviceKind } from "../base/device_kinds.ts";

/** A section of a config: plain values by key, as `docs` and `--help` of the commands list them. */
export type ConfigSection = Readonly<Record<string, unknown>>;

/**
 * The config of a run: every key is optional. `deno task train --help` lists all keys with their
 * defaults; unknown keys and values out of range are refused by name.
 */
export interface TrainConfig {
  /** Name of the run; default `run`. */
  readonly name?: string;
  /** Root of all random numbers of the run; default 1337. */
  readonly seed?: number;
  /** Optimizer steps until the run ends; default 1000. */
  readonly steps?: number;
  /**
   * Worker processes, at most `micro_batches`; the result does not depend on it. Default: one for each
   * card, or for each core where a software driver computes.
   */
  readonly workers?: number;
  /** Where kernels run: `auto` and `webgpu` need an adapter, `reference` is plain loops and slow. */
  readonly device?: DeviceKind;
  /** Card of each worker by number, PCI address or UUID, as `0,1`; null chooses. */
  readonly gpus?: string | null;
  /** Folder that the run writes to; null names one after the run. */
  readonly out?: string | null;
  /** Run, checkpoint or exported model whose parameters and tokenizer a new run begins with. */
  readonly init?: string | null;
  /** Micro-batches S per step, a power of two; default 4. */
  readonly micro_batches?: number;
  /** Sequences B per micro-batch; default 8. */
  readonly micro_batch_size?: number;
  /** When and on how much a run evaluates. */
  readonly eval?: ConfigSection;
  /** The model: its `kind` and the keys of that kind. */
  readonly model?: ConfigSection;
  /** The data: source, text, tokenizer, sequence length. */
  readonly data?: ConfigSection;
  /** The optimizer and its learning rate schedule. */
  readonly optim?: ConfigSection;
  /** When checkpoints are saved, and which are kept. */
  readonly checkpoint?: ConfigSection;
  /** What happens when a loss or a gradient is not sound. */
  readonly guard?: ConfigSection;
  /** What happens when workers are lost. */
  readonly recovery?: ConfigSection;
  /** What is reported: samples, lines of progress. */
  readonly report?: ConfigSection;
}
