/** Copies of heads into scratch memory: rows of whole vectors, and transposed panels. */
import type { Body } from "../../../src/wasm/body.ts";
import type { Pointer, V128 } from "../../../src/wasm/values.ts";
import { f32x4, v128 } from "../../../src/wasm/vectors.ts";
import { transposeQuads } from "../../../src/wasm/transpose.ts";
import { range } from "../../emit/range.ts";
import { PANEL, VECTOR } from "./tile.ts";

/** Rows of a head: `tokens` of them, `row` bytes apart. */
export interface HeadTokens {
  readonly at: Pointer;
  readonly row: number;
  readonly tokens: number;
  readonly columns: number;
}

/** Elements of a row that is padded to whole vectors. */
export function wholeVectors(columns: number): number {
  return Math.ceil(columns / 4) * 4;
}

/** Copies rows times `scale`; rows are padded to whole vectors of one of the two. */
export function copyScaledRows(
  b: Body,
  from: HeadTokens,
  to: { readonly at: Pointer; readonly row: number },
  scale = 1,
): void {
  const { columns } = from;
  const factor = f32x4.splat(scale);
  const scaled = (value: V128) => scale === 1 ? value : f32x4.mul(value, factor);
  const vectors = Math.floor(columns / 4);
  b.walk(from.tokens, [[to.at, to.row], [from.at, from.row]], (target, source) => {
    b.walk(Math.floor(vectors / 2), [[target, 32], [source, 32]], (t, s) => {
      const values = range(2).map((v) => b.let(scaled(b.load(s.plus(VECTOR * v)))));
      values.forEach((value, v) => b.store(t.plus(VECTOR * v), value));
    });
    const done = VECTOR * (vectors - vectors % 2);
    const rest = columns - done / 4;
    for (let c = 0; c < rest; c += 4) {
      const lanes = Math.min(4, rest - c);
      const value = scaled(b.loadSome(source.plus(done + 4 * c), lanes));
      b.storeSome(target.plus(done + 4 * c), value, lanes);
    }
  });
}

/**
 * Transposes rows times `scale` into panels of {@linkcode PANEL} tokens: element c of token j is at
 * (floor(j / 16) columns + c) 16 + j mod 16. Tokens of the last panel that do not exist are zero.
 */
export function packPanels(b: Body, from: HeadTokens, to: Pointer, scale = 1): void {
  const { tokens, row, columns } = from;
  const bytes = 4 * PANEL * columns;
  const panels = Math.floor(tokens / PANEL);
  b.walk(panels, [[to, bytes], [from.at, PANEL * row]], (target, source) => {
    packPanel(b, { ...from, at: source, tokens: PANEL }, target, scale);
  });
  const left = tokens % PANEL;
  if (left === 0) return;
  const at = from.at.plus(PANEL * row * panels);
  packPanel(b, { ...from, at, tokens: left }, to.plus(bytes * panels), scale);
}

function packPanel(
  b: Body,
  { at, row, tokens, columns }: HeadTokens,
  to: Pointer,
  scale: number,
): void {
  const block = (target: Pointer, source: Pointer, lanes: number) => {
    for (let j = 0; j < PANEL; j += 4) {
      const rows = range(4).map((k) =>
        j + k < tokens ? b.let(b.loadSome(source.plus((j + k) * row), lanes)) : v128.zero
      );
      transposeQuads(b, rows).slice(0, lanes).forEach((value, c) => {
        const scaled = scale === 1 ? value : f32x4.mul(value, f32x4.splat(scale));
        b.store(target.plus(4 * (c * PANEL + j)), scaled);
      });
    }
  };
  const quads = Math.floor(columns / 4);
  b.walk(quads, [[to, VECTOR * PANEL], [at, VECTOR]], (t, s) => block(t, s, 4));
  if (columns % 4 === 0) return;
  block(to.plus(VECTOR * PANEL * quads), at.plus(VECTOR * quads), columns % 4);
}

/** Fills whole vectors with zeros. */
export function fillZeros(b: Body, at: Pointer, bytes: number): void {
  b.walk(Math.floor(bytes / 32), [[at, 32]], (to) => {
    b.store(to, v128.zero);
    b.store(to.plus(VECTOR), v128.zero);
  });
  if (bytes % 32 !== 0) b.store(at.plus(bytes - bytes % 32), v128.zero);
}

/** Stores the slopes of ALiBi, one per query head. */
export function fillSlopes(b: Body, slopes: readonly number[], at: Pointer): void {
  slopes.forEach((slope, head) => b.storeOne(at.plus(4 * head), f32x4.splat(slope)));
}
