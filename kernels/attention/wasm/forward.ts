/**
 * The WebAssembly kernel of attention: for a few queries, all scores of a head in scratch memory,
 * which stay in the first-level cache, then their softmax and the weighted sum of the values. Tiles
 * of keys that are masked for all of these queries are skipped.
 */
import { sizeOf } from "../../../src/base/shape.ts";
import type { Spec } from "../../../src/graph/types.ts";
import type { Body } from "../../../src/wasm/body.ts";
import { smaller } from "../../../src/wasm/ints.ts";
import type { KernelAreas, WasmKernel, WasmTarget } from "../../../src/wasm/kernel.ts";
import { logVector } from "../../../src/wasm/math.ts";
import type { Area, I32, Pointer } from "../../../src/wasm/values.ts";
import { f32x4, v128 } from "../../../src/wasm/vectors.ts";
import { range } from "../../emit/range.ts";
import type { AttentionAttrs } from "../attention_attrs.ts";
import type { AttentionSizes } from "../attention_sizes.ts";
import { type AttentionCall, attentionCall, layScratch, partRows, resultTokens } from "./call.ts";
import { type WordPointer, wordPointers } from "./call.ts";
import { batchMask, keptLanes, maskTile, PANEL_VECTORS, type PanelSpan } from "./mask.ts";
import { panelSpan } from "./mask.ts";
import { exponentials, PARTIAL_VECTORS } from "./softmax.ts";
import { copyScaledRows, fillSlopes, packPanels, wholeVectors } from "./pack.ts";
import { PANEL, panelScores, VECTOR, weightedRows } from "./tile.ts";

/** The kernel of the forward op. */
export function attentionForwardKernel(
  { sizes, attrs, extra }: {
    readonly sizes: AttentionSizes;
    readonly attrs: AttentionAttrs;
    /** Specs of the optional inputs. */
    readonly extra: readonly Spec[];
  },
  target: WasmTarget,
): WasmKernel {
  const call = attentionCall(sizes, attrs, target);
  const { keys, heads, width, valueWidth } = sizes;
  const scratch = layScratch({
    slopes: heads,
    segments: call.padded,
    keys: call.padded * width,
    values: keys * wholeVectors(valueWidth),
    scores: call.rows * call.pitch,
    // Of the exponentials of one row, then a factor per row.
    rows: 4 * PARTIAL_VECTORS + call.rows,
  });
  const print = (b: Body, areas: KernelAreas) => {
    const [y, lse, joined] = areas.outputs as [Area, Area, Area?];
    const bases = areas.inputs.slice(0, sizes.bases.length);
    const words = areas.inputs.slice(sizes.bases.length);
    if (joined !== undefined) join(b, words, extra, joined);
    const parts = Object.fromEntries(
      Object.entries(scratch.offsets).map(([name, at]) => [name, b.at(areas.scratch, at)]),
    ) as Record<keyof typeof scratch.offsets, Pointer>;
    fillSlopes(b, attrs.alibi ?? [], parts.slopes);
    printHeads(b, call, { bases, words: wordPointers(b, call, words), y, lse, parts });
  };
  return { scratch: scratch.bytes, print };
}

/** Operands of the kernel, and the parts of scratch memory. */
interface Operands {
  readonly bases: readonly Area[];
  readonly words: WordPointer;
  readonly y: Area;
  readonly lse: Area;
  readonly parts: Readonly<
    Record<"slopes" | "segments" | "keys" | "values" | "scores" | "rows", Pointer>
  >;
}

function printHeads(b: Body, call: AttentionCall, operands: Operands): void {
  const { bases, words, y, lse, parts } = operands;
  const { sizes, rows, scale, group } = call;
  const { batch: batches, kvHeads, heads, queries, keys, valueWidth } = sizes;
  const valueRow = 4 * wholeVectors(valueWidth);
  b.for({ to: batches }, (batch) => {
    const mask = batchMask(b, call, { batch, words, segments: parts.segments });
    b.for({ to: kvHeads }, (kvHead) => {
      const of = { bases, batch, head: kvHead };
      packPanels(b, partRows(b, call, "k", of), parts.keys, scale);
      copyScaledRows(b, partRows(b, call, "v", of), { at: parts.values, row: valueRow });
      b.for({ to: group }, (member) => {
        const head = b.letInt(kvHead.times(group).plus(member));
        const q = partRows(b, call, "q", { bases, batch, head });
        const result = resultTokens(b, call, { area: y, batch, head });
        const numbers = b.letInt(batch.times(heads).plus(head).times(queries));
        b.for({ to: queries, step: rows }, (start) => {
          // The last tile begins earlier where queries are no multiple of it.
          const first = smaller(b, start, queries - rows);
          const span = panelSpan(b, call, mask, { first, count: rows });
          panelScores(b, {
            ...{ rows, width: call.width, depth: sizes.width, span, pitch: call.pitch },
            row: q.row,
            left: b.letPointer(q.at.plus(first.times(q.row))),
            panels: parts.keys,
            scores: parts.scores,
          });
          const slope = call.attrs.alibi && parts.slopes.plus(head.times(4));
          maskTile(b, call, mask, { at: parts.scores, first, slope, span });
          softmaxTile(b, call, { span, words, lse, parts, index: b.letInt(numbers.plus(first)) });
          weightedRows(b, {
            rows,
            depth: keys,
            left: { row: 4 * call.pitch, step: 4 },
            right: { step: valueRow },
            target: result.row,
            isScaled: true,
          }, {
            columns: valueWidth,
            width: call.width,
            operands: {
              left: parts.scores,
              right: parts.values,
              target: b.letPointer(result.at.plus(first.times(result.row))),
              factors: parts.rows.plus(PARTIAL_VECTORS * VECTOR),
              span: { from: span.from.times(PANEL), to: span.keys },
            },
          });
        });
      });
    });
  });
}

/**
 * Replaces the scores of a tile by their exponentials, zero where dropped; stores the logs of their
 * sums, and the factors that make them probabilities: zero for a row without keys.
 */
function softmaxTile(
  b: Body,
  call: AttentionCall,
  { span, index, words, lse, parts }: Pick<Operands, "words" | "lse" | "parts"> & {
    readonly span: PanelSpan;
    /** Of the first query in lse. */
    readonly index: I32;
  },
): void {
  const { rows, padded, attrs: { dropout } } = call;
  const [pitch, kept] = [4 * call.pitch, f32x4.splat(1 / (dropout?.keep ?? 1))];
  const scores = { rows, pitch, panels: padded / PANEL, at: parts.scores, span };
  const others = [b.at(lse, index.times(4)), parts.rows.plus(PARTIAL_VECTORS * VECTOR)];
  exponentials(b, { ...scores, partial: parts.rows, others }, (body, { most, total }, results) => {
    const isEmpty = body.let(f32x4.eq(total, v128.zero));
    const logarithm = body.let(f32x4.add(most, logVector(body, total)));
    [logarithm, f32x4.div(kept, total)].forEach((value, k) => {
      body.storeSome(results[k] as Pointer, body.let(v128.andNot(value, isEmpty)), rows);
    });
  });
  if (dropout === undefined) return;
  b.for({ to: rows }, (r) => {
    const keptOf = keptLanes(b, call, words, b.letInt(index.plus(r)));
    b.for(span, (panel) => {
      const weights = b.letPointer(parts.scores.plus(r.times(pitch)).plus(panel.times(4 * PANEL)));
      const values = range(PANEL_VECTORS).map((v) => {
        const value = b.load(weights.plus(VECTOR * v));
        return b.let(keptOf === undefined ? value : v128.and(keptOf(panel, v), value));
      });
      values.forEach((value, v) => b.store(weights.plus(VECTOR * v), value));
    });
  });
}

/** Joins the optional inputs, as the backward op takes them. */
function join(b: Body, words: readonly Area[], specs: readonly Spec[], joined: Area): void {
  let offset = 0;
  words.forEach((area, k) => {
    const columns = sizeOf((specs[k] as Spec).shape);
    copyScaledRows(
      b,
      { at: b.at(area), row: 4 * columns, tokens: 1, columns },
      { at: b.at(joined, 4 * offset), row: 4 * columns },
    );
    offset += columns;
  });
}
