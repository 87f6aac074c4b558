/** The WebAssembly kernel of rotary position embeddings: one pass over the tokens. */
import { sizeOf } from "../../src/base/shape.ts";
import type { Io, Spec } from "../../src/graph/types.ts";
import type { Body } from "../../src/wasm/body.ts";
import type { KernelAreas, WasmKernel } from "../../src/wasm/kernel.ts";
import type { Area, Pointer, V128 } from "../../src/wasm/values.ts";
import { f32x4, v128 } from "../../src/wasm/vectors.ts";
import { range } from "../emit/range.ts";
import type { RotaryAttrs } from "./rotary_sizes.ts";
import { rotarySizes } from "./rotary_sizes.ts";

/** Bytes of a vector of four elements. */
const VECTOR = 16;

/** The kernel of a call: inputs x, cos, sin, positions?; output y. */
export function rotaryKernel({ inputs }: Io<Spec>, attrs: RotaryAttrs): WasmKernel {
  const sizes = rotarySizes(inputs, attrs);
  const { tokens, time, columns, half } = sizes;
  const { heads: { first, heads, width } } = attrs;
  const rows = sizeOf((inputs[1] as Spec).shape) / half;
  const print = (b: Body, { inputs: [x, cos, sin, positions], outputs: [y] }: KernelAreas) => {
    const tables = [cos, sin] as readonly Area[];
    b.for({ to: tokens / time }, (batch) => {
      b.for({ to: time }, (t) => {
        const at = b.letInt(batch.times(time).plus(t).times(4 * columns));
        const [from, to] = [x, y].map((area) => b.letPointer(b.at(area as Area, at)));
        if (from === undefined || to === undefined) return;
        const position = positions === undefined
          ? t
          : b.loadIndex(b.at(positions, t.times(4)), rows);
        const angles = tables.map((table) =>
          b.letPointer(b.at(table, position.times(4 * half)))
        ) as [Pointer, Pointer];
        copyColumns(b, { from, to, count: first });
        const step = 4 * width;
        b.walk(
          heads,
          [[to.plus(4 * first), step], [from.plus(4 * first), step]],
          (target, source) => {
            rotateHead(b, { target, source, angles, half, attrs });
            const rest = 8 * half;
            copyColumns(b, {
              from: source.plus(rest),
              to: target.plus(rest),
              count: width - 2 * half,
            });
          },
        );
        const end = first + heads * width;
        copyColumns(b, {
          from: from.plus(4 * end),
          to: to.plus(4 * end),
          count: columns - end,
        });
      });
    });
  };
  return { print };
}

/** A head of a token, and its cosines and sines. */
interface Head {
  readonly target: Pointer;
  readonly source: Pointer;
  readonly angles: readonly [Pointer, Pointer];
  /** Pairs of columns. */
  readonly half: number;
  readonly attrs: RotaryAttrs;
}

function rotateHead(b: Body, head: Head): void {
  const { half, attrs: { pairing } } = head;
  const print = pairing === "halves" ? rotateHalves : rotateInterleaved;
  const whole = Math.floor(half / 8);
  print(b, head, { from: 0, count: whole, lanes: 8 });
  print(b, head, { from: 8 * whole, count: half - 8 * whole, lanes: 1 });
}

/** `count` groups of `lanes` pairs of columns, from pair `from` on. */
interface Groups {
  readonly from: number;
  readonly count: number;
  readonly lanes: 1 | 8;
}

/** Columns k and k + half turn together. */
function rotateHalves(
  b: Body,
  { target, source, angles: [cos, sin], half, attrs }: Head,
  { from, count, lanes }: Groups,
): void {
  const step = 4 * lanes;
  const walks = [target, source, cos, sin].map((p) => [p.plus(4 * from), step] as const);
  b.walk(count, walks, (...pointers) => {
    const [to, at, c, s] = pointers as [Pointer, Pointer, Pointer, Pointer];
    const turned = parts(lanes).map((v) => {
      const [p, q] = [at.plus(v), at.plus(v + 4 * half)].map((part) => take(b, part, lanes));
      return turn(
        b,
        [p as V128, q as V128],
        [take(b, c.plus(v), lanes), take(b, s.plus(v), lanes)],
        attrs,
      );
    });
    for (const side of [0, 1] as const) {
      turned.forEach((pair, v) => {
        put(b, to.plus(VECTOR * v + 4 * half * side), pair[side], lanes);
      });
    }
  });
}

/** Columns 2k and 2k + 1 turn together. */
function rotateInterleaved(
  b: Body,
  { target, source, angles: [cos, sin], attrs }: Head,
  { from, count, lanes }: Groups,
): void {
  const walks = [
    [target.plus(8 * from), 8 * lanes],
    [source.plus(8 * from), 8 * lanes],
    [cos.plus(4 * from), 4 * lanes],
    [sin.plus(4 * from), 4 * lanes],
  ] as const;
  b.walk(count, walks, (...pointers) => {
    const [to, at, c, s] = pointers as [Pointer, Pointer, Pointer, Pointer];
    if (lanes === 1) {
      const pair = [take(b, at, 1), take(b, at.plus(4), 1)] as const;
      turn(b, pair, [take(b, c, 1), take(b, s, 1)], attrs).forEach((value, side) => {
        put(b, to.plus(4 * side), value, 1);
      });
      return;
    }
    const turned = parts(lanes).flatMap((v) => {
      const [low, high] = [at.plus(2 * v), at.plus(2 * v + VECTOR)].map((part) =>
        b.let(b.load(part))
      );
      const pair = [[0, 2, 4, 6], [1, 3, 5, 7]].map((all) =>
        b.let(v128.shuffle(low as V128, high as V128, all as [number, number, number, number]))
      );
      const [p, q] = turn(
        b,
        pair as [V128, V128],
        [take(b, c.plus(v), lanes), take(b, s.plus(v), lanes)],
        attrs,
      );
      return [b.let(v128.shuffle(p, q, [0, 4, 1, 5])), b.let(v128.shuffle(p, q, [2, 6, 3, 7]))];
    });
    turned.forEach((value, v) => b.store(to.plus(VECTOR * v), value));
  });
}

/** Rotates (p, q) by angles with the cosine c and the sine s. */
function turn(
  b: Body,
  [p, q]: readonly [V128, V128],
  [c, s]: readonly [V128, V128],
  { inverse }: RotaryAttrs,
): readonly [V128, V128] {
  const [minus, plus] = inverse ? [f32x4.madd, f32x4.nmadd] : [f32x4.nmadd, f32x4.madd];
  return [b.let(minus(q, s, f32x4.mul(p, c))), b.let(plus(p, s, f32x4.mul(q, c)))];
}

/** Bytes at which the vectors of a group begin. */
function parts(lanes: 1 | 8): number[] {
  return lanes === 1 ? [0] : [0, VECTOR];
}

function take(b: Body, from: Pointer, lanes: 1 | 8): V128 {
  return b.let(lanes === 1 ? b.loadOne(from) : b.load(from));
}

function put(b: Body, to: Pointer, value: V128, lanes: 1 | 8): void {
  if (lanes === 1) b.storeOne(to, value);
  else b.store(to, value);
}

/** Copies neighbouring elements. */
function copyColumns(
  b: Body,
  { from, to, count }: { readonly from: Pointer; readonly to: Pointer; readonly count: number },
): void {
  const whole = Math.floor(count / 8);
  b.walk(whole, [[to, 32], [from, 32]], (target, source) => {
    const values = range(2).map((v) => b.let(b.load(source.plus(VECTOR * v))));
    values.forEach((value, v) => b.store(target.plus(VECTOR * v), value));
  });
  const done = 32 * whole;
  b.walk(count - 8 * whole, [[to.plus(done), 4], [from.plus(done), 4]], (target, source) => {
    b.storeOne(target, b.loadOne(source));
  });
}
