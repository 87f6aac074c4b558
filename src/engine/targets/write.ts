/** Writes the targets of sources: greedily, by beam search, or by drawing tokens. */
import { BeamSearch, type BeamSettings } from "../../generate/beam.ts";
import type { TargetWriter } from "./writer.ts";

/** How targets are written. */
export type Writing =
  /** With one beam the likeliest token each time. */
  | Omit<BeamSettings, "most">
  | {
    readonly end: number;
    /** Draws the next token of a target from its logits. */
    readonly draw: (logits: Float32Array, source: number, tokens: readonly number[]) => number;
  };

/** What decides the next tokens of one target. */
interface Search {
  readonly running: readonly (readonly number[])[];
  readonly best: readonly number[];
  advance(logits: readonly Float32Array[]): void;
}

/**
 * The targets of sources, without their ends.
 * `moved` is told how many are done. @throws {RangeError} for more beams than the writer has rows.
 */
export async function writeTargets(
  writer: TargetWriter,
  sources: readonly Uint32Array[],
  { writing, most = writer.context, signal, moved = () => {} }: {
    readonly writing: Writing;
    /** Most tokens of a target, its end included; default: what the window holds. */
    readonly most?: number;
    readonly signal?: AbortSignal;
    readonly moved?: (done: number) => void | Promise<void>;
  },
): Promise<(readonly number[])[]> {
  const width = "beams" in writing ? writing.beams : 1;
  const side = Math.floor(writer.rows / width);
  if (side === 0) {
    throw new RangeError(`Cannot search: need at most ${writer.rows} beams: ${width}`);
  }
  const found: (readonly number[])[] = [];
  for (let first = 0; first < sources.length && !signal?.aborted; first += side) {
    const own = sources.slice(first, first + side);
    const searches = own.map((_, i) => searchOf(writing, { most, source: first + i }));
    for (;;) {
      const asked = searches.flatMap((search, i) =>
        search.running.map((target) => ({ search, source: own[i] as Uint32Array, target }))
      );
      if (asked.length === 0 || signal?.aborted) break;
      const logits = await writer.next(asked);
      const rows = new Map<Search, Float32Array[]>(searches.map((search) => [search, []]));
      asked.forEach(({ search }, i) => rows.get(search)?.push(logits[i] as Float32Array));
      for (const [search, own] of rows) if (own.length > 0) search.advance(own);
    }
    for (const { best } of searches) found.push(best);
    await moved(found.length);
  }
  return found;
}

function searchOf(
  writing: Writing,
  { most, source }: { most: number; source: number },
): Search {
  const { end } = writing;
  if ("draw" in writing) {
    return oneText((logits, tokens) => writing.draw(logits, source, tokens), { end, most });
  }
  if (writing.beams === 1) return oneText((logits) => largestOf(logits), { end, most });
  const search = new BeamSearch({ ...writing, most });
  return {
    get running() {
      return search.running;
    },
    get best() {
      return search.best;
    },
    advance: (logits) => search.advance(logits.map(logProbabilities)),
  };
}

/** A text that is continued by one token at a time. */
function oneText(
  next: (logits: Float32Array, tokens: readonly number[]) => number,
  { end, most }: { end: number; most: number },
): Search {
  const tokens: number[] = [];
  let isDone = false;
  return {
    get running() {
      return isDone ? [] : [tokens];
    },
    best: tokens,
    advance([logits]) {
      const token = next(logits as Float32Array, tokens);
      if (token !== end) tokens.push(token);
      isDone = token === end || tokens.length >= most;
    },
  };
}

function largestOf(logits: Float32Array): number {
  return logits.indexOf(logits.reduce((a, b) => Math.max(a, b)));
}

/** Log-softmax in f64. */
function logProbabilities(logits: Float32Array): Float64Array {
  const top = logits.reduce((a, b) => Math.max(a, b));
  const total = logits.reduce((sum, x) => sum + Math.exp(x - top), 0);
  const log = top + Math.log(total);
  return Float64Array.from(logits, (x) => x - log);
}
