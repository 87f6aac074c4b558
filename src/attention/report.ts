/** The attention of a model to a prompt, as it is stored and shown. Pure. */

/** A layer of attention. */
export interface AttentionLayer {
  /** Its name, as `layer 1`, or `cross 1` from the tokens of a target to those of a source. */
  readonly name: string;
  /** The tokens that look, and those that they look at: lists of the report. */
  readonly from: "tokens" | "source";
  readonly to: "tokens" | "source";
  /** Probabilities, heads x from x to, as tools such as BertViz take them. */
  readonly attention: readonly (readonly (readonly number[])[])[];
}

/** What `attention.json` holds. */
export interface AttentionReport {
  /** Name of the run or folder. */
  readonly model: string;
  /** Finished steps, if known. */
  readonly step: number | null;
  /** The texts of the tokens, in order. */
  readonly tokens: readonly string[];
  /** Of a model of pairs: those of the source, whose target the tokens are. */
  readonly source?: readonly string[];
  /** In the order of the model. */
  readonly layers: readonly AttentionLayer[];
  /** What the model expects behind the last token, or in its place, likeliest first. */
  readonly expects: readonly { readonly token: string; readonly probability: number }[];
}

/** Digits of a probability in a file: more would make it larger and show nothing. */
const DIGITS = 5;

/** Heads x from x to of flat probabilities [H, Tq, Tk]. */
export function headsOfWeights(
  weights: Float32Array,
  { heads, queries, keys }: {
    readonly heads: number;
    readonly queries: number;
    readonly keys: number;
  },
): number[][][] {
  const rounded = (x: number) => Number(x.toFixed(DIGITS));
  const row = (h: number, i: number) => {
    const at = (h * queries + i) * keys;
    return Array.from(weights.subarray(at, at + keys), rounded);
  };
  return Array.from(
    { length: heads },
    (_, h) => Array.from({ length: queries }, (_, i) => row(h, i)),
  );
}

/** What a head looks at from the last token. */
export interface HeadLook {
  readonly layer: string;
  /** Number of the head, from 1. */
  readonly head: number;
  /** Index of the token that it looks at, and the list of the report that it is in. */
  readonly to: number;
  readonly list: AttentionLayer["to"];
  readonly weight: number;
}

/** The strongest looks of the last token at others, one of each head. */
export function strongestLooks({ layers, tokens }: AttentionReport, count: number): HeadLook[] {
  return layers.filter(({ from }) => from === "tokens").flatMap(({ name, to: list, attention }) => {
    // The place of the last token itself, where it is among those that it may look at.
    const own = list === "tokens" ? tokens.length - 1 : -1;
    return attention.map((rows, h): HeadLook & { readonly own: number } => {
      const row = rows.at(-1) ?? [];
      const to = row.reduce(
        (best, weight, j) =>
          j !== own && weight > (best === own ? -1 : row[best] as number) ? j : best,
        own,
      );
      return { layer: name, head: h + 1, to, list, weight: row[to] ?? 0, own };
    });
  }).filter(({ to, own }) => to !== own).sort((a, b) => b.weight - a.weight).slice(0, count)
    .map(({ own: _, ...look }) => look);
}
