/** The summary of a run, for other programs to read. */

/** The inputs of a summary. */
export interface SummaryFacts {
  readonly steps: number;
  readonly loss: number;
  /** Of the last evaluation, if there was one. */
  readonly valLoss?: number | undefined;
  readonly tokens: number;
  readonly tokensPerS: number;
  /** Of a step; undefined for one worker. */
  readonly exchangeShare?: number | undefined;
  /** Of the exchange; undefined for one worker. */
  readonly exchangeHidden?: number | undefined;
  readonly params: number;
  readonly workers: number;
  readonly adapter: string;
  readonly stateHash: string;
  readonly seconds: number;
}

/** The summary as stored; values that are not finite are null. */
export interface Summary {
  /** Finished steps. */
  readonly steps: number;
  /** Of the last step; null if this process computed none. */
  readonly loss: number | null;
  /** Of the last evaluation; null without one. */
  readonly val_loss: number | null;
  /** Tokens trained on. */
  readonly tokens: number;
  /** Tokens per second, over the last steps. */
  readonly tokens_per_s: number;
  /** Mean share of a step that the exchange of gradients took; null for one worker. */
  readonly exchange_share: number | null;
  /** Mean share of the gradients that arrived while own ones were computed; null for one worker. */
  readonly exchange_hidden: number | null;
  /** Number of parameters. */
  readonly params: number;
  /** World size. */
  readonly workers: number;
  /** Name of the device. */
  readonly adapter: string;
  /** SHA-256 (hex) over step, parameters and optimizer state. */
  readonly state_hash: string;
  /** Wall clock of this process, in seconds. */
  readonly seconds: number;
}

/** The summary of a run, with rates and seconds rounded to three decimals. */
export function summaryOf(facts: SummaryFacts): Summary {
  return {
    steps: facts.steps,
    loss: Number.isFinite(facts.loss) ? facts.loss : null,
    val_loss: facts.valLoss ?? null,
    tokens: facts.tokens,
    tokens_per_s: thousandths(facts.tokensPerS),
    exchange_share: shareOf(facts.exchangeShare),
    exchange_hidden: shareOf(facts.exchangeHidden),
    params: facts.params,
    workers: facts.workers,
    adapter: facts.adapter,
    state_hash: facts.stateHash,
    seconds: thousandths(facts.seconds),
  };
}

function shareOf(share: number | undefined): number | null {
  return share === undefined ? null : thousandths(share);
}

function thousandths(x: number): number {
  return Math.round(x * 1000) / 1000;
}
