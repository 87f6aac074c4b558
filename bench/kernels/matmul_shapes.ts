/** Shapes of matrix products in training and decoding, by model. */
import type { Product } from "../../kernels/matmul/mod.ts";

/** A named product. */
export interface Shape extends Product {
  readonly name: string;
}

type Sizes = readonly [m: number, n: number, k: number];

/** A product M x N x K with its name and transposes. */
function shape(name: string, [m, n, k]: Sizes, { ta = false, tb = false } = {}): Shape {
  const stored = [...ta ? ["A'"] : [], ...tb ? ["B'"] : []].map((side) => ` ${side}`).join("");
  return { name: `${name} ${m}x${n}x${k}${stored}`, m, n, k, ta, tb };
}

/** The product of `rows` tokens with a weight [input, output], and those of its two gradients. */
function layer(name: string, rows: number, [input, output]: readonly [number, number]): Shape[] {
  return [
    shape(name, [rows, output, input]),
    shape(`${name} dx`, [rows, input, output], { tb: true }),
    shape(`${name} dW`, [input, output, rows], { ta: true }),
  ];
}

/** The layers of a transformer of width `d`. */
function block(rows: number, d: number): Shape[] {
  return [
    ...layer("qkv", rows, [d, 3 * d]),
    ...layer("out", rows, [d, d]),
    ...layer("up", rows, [d, 4 * d]),
    ...layer("down", rows, [4 * d, d]),
  ];
}

/** A decoding step of one token. */
function decoding(rows: number, d: number): Shape[] {
  return [
    shape("qkv", [rows, 3 * d, d]),
    shape("up", [rows, 4 * d, d]),
    shape("down", [rows, d, 4 * d]),
  ];
}

/** The part of a tied head [vocabulary, d] that fits one binding, forward and backward. */
function tiedHead(rows: number, d: number, columns: number): Shape[] {
  return [
    shape("head", [rows, columns, d], { tb: true }),
    shape("head dx", [rows, d, columns]),
    shape("head dW", [columns, d, rows], { ta: true }),
  ];
}

/** Shapes by model. */
export const SHAPES: Readonly<Record<string, readonly Shape[]>> = {
  "Squares": [256, 512, 1024, 2048, 4096].map((n) => shape("square", [n, n, n])),
  "GPT-2 124M, 8 x 1024 tokens": [...block(8192, 768), ...tiedHead(8192, 768, 16384)],
  "Characters 10.7M, 64 x 256 tokens": [
    ...block(16384, 384),
    ...layer("head", 16384, [384, 65]),
  ],
  "Characters 0.11M, 12 x 64 tokens": [...block(768, 64), ...layer("head", 768, [64, 65])],
  "LSTM of width 512, 32 x 64 tokens": layer("gates", 2048, [512, 2048]),
  "Decoding": [
    ...decoding(1, 768),
    shape("head", [1, 50304, 768], { tb: true }),
    ...decoding(8, 768),
    ...decoding(64, 768),
    ...decoding(1, 64),
  ],
};
