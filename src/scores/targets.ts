/** Scores of written targets against what was wanted. Pure. */
import { bleu, type Scored } from "./bleu.ts";
import { chrf } from "./chrf.ts";
import { editDistance } from "./edit_distance.ts";

/** How good targets are. */
export interface TargetScores {
  /** Sources whose targets were scored. */
  readonly sources: number;
  /**
   * Share of sources whose target is none of the references; of words and their pronunciations the
   * word error rate.
   */
  readonly wrong: number;
  /**
   * Edits of words, separated by white space, per word of the nearest reference; of phonemes the
   * phoneme error rate.
   */
  readonly word_errors: number;
  /** In percent. */
  readonly bleu: number;
  /** In percent. */
  readonly chrf: number;
}

/** Scores of targets. */
export function targetScores(corpus: readonly Scored[]): TargetScores {
  let [wrong, edits, words] = [0, 0, 0];
  for (const { text, references } of corpus) {
    const own = wordsOf(text);
    const all = references.map((reference) => {
      const wanted = wordsOf(reference);
      return { edits: editDistance(own, wanted), words: wanted.length };
    });
    const nearest = all.reduce((best, each) => each.edits < best.edits ? each : best);
    if (nearest.edits > 0) wrong++;
    edits += nearest.edits;
    words += nearest.words;
  }
  return {
    sources: corpus.length,
    wrong: wrong / corpus.length,
    word_errors: edits / words,
    bleu: bleu(corpus),
    chrf: chrf(corpus),
  };
}

function wordsOf(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== "");
}
