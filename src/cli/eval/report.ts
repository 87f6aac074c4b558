/** Formats an evaluation as text and as JSON. Pure. */
import { UserError } from "../../base/user_error.ts";
import type { TextEvaluation } from "../../../workers/coordinator/evaluated.ts";
import type { TextExtent } from "../../corpus/extent.ts";
import type { TargetScores } from "../../scores/targets.ts";
import { table } from "../table.ts";

/** A text that was evaluated. */
export interface EvaluatedText {
  readonly name: string;
  /** Text of the evaluated tokens; undefined where it cannot be recovered. */
  readonly extent: TextExtent | undefined;
}

/** Losses of a text, or of all of them together. */
export interface Measures {
  readonly name: string;
  /** Evaluated tokens. */
  readonly tokens: number;
  /** Nats per token. */
  readonly loss: number;
  readonly perplexity: number;
  readonly bits_per_character: number | null;
  readonly bits_per_byte: number | null;
}

/** What is printed. */
export interface EvalReport {
  readonly path: string;
  readonly step: number | null;
  readonly window: number;
  /** Tokens evaluated per window, except the first; null where windows do not slide. */
  readonly stride: number | null;
  /** Accuracy, for models that predict labels. */
  readonly accuracy: number | null;
  /** Scores of written targets, for models of pairs. */
  readonly scores: TargetScores | null;
  readonly all: Measures;
  readonly texts: readonly Measures[];
}

/** Measures of each text and of all. */
export function measureTexts(
  { texts: sums }: { readonly texts: readonly Pick<TextEvaluation, "nats" | "counted">[] },
  texts: readonly EvaluatedText[],
): Pick<EvalReport, "all" | "texts"> {
  const each = texts.map(({ name, extent }, i) =>
    measuresOf(name, sums[i] ?? { nats: 0, counted: 0 }, extent)
  );
  const add = (pick: (sum: Pick<TextEvaluation, "nats" | "counted">) => number) =>
    sums.reduce((n, sum) => n + pick(sum), 0);
  const whole = { nats: add(({ nats }) => nats), counted: add(({ counted }) => counted) };
  const extents = texts.flatMap(({ extent }) => extent === undefined ? [] : [extent]);
  const extent = extents.length < texts.length ? undefined : {
    characters: extents.reduce((n, e) => n + e.characters, 0),
    bytes: extents.reduce((n, e) => n + e.bytes, 0),
  };
  return { all: measuresOf("all", whole, extent), texts: each };
}

function measuresOf(
  name: string,
  { nats, counted }: Pick<TextEvaluation, "nats" | "counted">,
  extent: TextExtent | undefined,
): Measures {
  const bits = nats / Math.LN2;
  return {
    name,
    tokens: counted,
    loss: nats / counted,
    perplexity: Math.exp(nats / counted),
    bits_per_character: extent === undefined ? null : bits / extent.characters,
    bits_per_byte: extent === undefined ? null : bits / extent.bytes,
  };
}

/** Why a report is incomplete; undefined where each text has a loss. */
export function faultIn(
  { texts, path }: Pick<EvalReport, "texts" | "path">,
): UserError | undefined {
  const empty = texts.find(({ tokens }) => tokens === 0);
  if (empty !== undefined) {
    const text = `Cannot evaluate ${empty.name}: need at least two tokens in its validation part`;
    return new UserError("data", text);
  }
  const odd = texts.find(({ loss }) => !Number.isFinite(loss));
  if (odd === undefined) return undefined;
  const text = `Cannot evaluate ${path} on ${odd.name}: need a finite loss: ${odd.loss}`;
  return new UserError("numerical", text);
}

/** The report as lines. */
export function evalLines(
  { path, step, window, stride, accuracy, scores, all, texts }: EvalReport,
): string[] {
  const at = step === null ? "" : ` at step ${step}`;
  const rows = [
    ["", "tokens", "nats per token", "perplexity", "bits per character", "bits per byte"],
    ...[...texts, ...texts.length > 1 ? [all] : []].map((m) => [
      m.name,
      String(m.tokens),
      shown(m.loss, 4),
      shown(m.perplexity, 3),
      shown(m.bits_per_character, 4),
      shown(m.bits_per_byte, 4),
    ]),
  ];
  return [
    `${path}${at}: windows of ${window} ${window === 1 ? "token" : "tokens"}` +
    (stride === null ? "" : `, ${stride} of them asked by each but the first`),
    ...table(rows),
    ...(accuracy === null ? [] : [`  accuracy ${(100 * accuracy).toFixed(2)} %`]),
    ...scores === null ? [] : scoreLines(scores),
  ];
}

function scoreLines({ sources, wrong, word_errors, bleu, chrf }: TargetScores): string[] {
  const percent = (share: number) => `${(100 * share).toFixed(2)} %`;
  return [
    `  targets of ${sources} sources: ${percent(wrong)} wrong, word errors ${
      percent(word_errors)
    }, ` +
    `BLEU ${bleu.toFixed(2)}, chrF ${chrf.toFixed(2)}`,
  ];
}

/** A number to some digits; a dash where it is unknown, or nothing was evaluated. */
function shown(value: number | null, digits: number): string {
  return value === null || Number.isNaN(value) ? "-" : value.toFixed(digits);
}
