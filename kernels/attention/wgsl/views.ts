/** Where attention's kernels find the rows of heads in their buffers. */
import { ceilDiv } from "../../../src/base/shape.ts";
import { range } from "../../emit/range.ts";
import type { HeadPart } from "../attention_attrs.ts";
import { partColumns } from "../attention_sizes.ts";
import type { AttentionSizes } from "../attention_sizes.ts";
import type { AttentionKernel } from "../attention_tile.ts";

/**
 * One row per token and head in a buffer. Registers are `<name><row>_<quad>` for owned tokens,
 * `<name>_<quad>` for the streamed one. Offsets are in units of the buffer's elements.
 */
export interface AttentionRows {
  readonly name: string;
  readonly buffer: string;
  /** WGSL name of the offset of the head's rows: token 0, without `first`. */
  readonly head: string;
  /** From token to token. */
  readonly stride: number;
  /** From a token's start to head 0; undefined: none. */
  readonly first?: number;
  /** Floats of a row. */
  readonly width: number;
  /** Floats per element. */
  readonly unit: 1 | 4;
}

/** Floats per element of a base tensor's buffer: 4 if the widths of its heads are multiples of 4. */
export function unitOf({ bases, width, valueWidth }: AttentionSizes, base: number): 1 | 4 {
  const widths = [...bases[base] as string].map((part) => part === "v" ? valueWidth : width);
  return widths.every((n) => n % 4 === 0) ? 4 : 1;
}

/** Floats per element of y and dy. */
export const resultUnit = ({ valueWidth }: AttentionSizes): 1 | 4 => valueWidth % 4 === 0 ? 4 : 1;

/** Whether the heads of q, k and v have one offset: those of one tensor, as many and as wide. */
export function haveOneOffset(
  { bases, heads, kvHeads, width, valueWidth }: AttentionSizes,
): boolean {
  return bases.length === 1 && heads === kvHeads && width === valueWidth;
}

/** The queries, keys or values of a call. */
export function rowsOf(kernel: AttentionKernel, part: HeadPart): AttentionRows {
  const { base, first, columns, width } = partColumns(kernel, part);
  const unit = unitOf(kernel, base);
  return {
    name: part,
    buffer: kernel.bases[base] as string,
    head: haveOneOffset(kernel) ? "packed" : `${part}_head`,
    stride: columns / unit,
    first: first / unit,
    width,
    unit,
  };
}

/** The gradients of queries, keys or values. */
export function gradientRowsOf(kernel: AttentionKernel, part: HeadPart): AttentionRows {
  const rows = rowsOf(kernel, part);
  return { ...rows, name: `d${part}`, buffer: `d${rows.buffer}` };
}

/** y or dy, with registers of another name. */
export function resultRows(kernel: AttentionKernel, name: string, buffer: string): AttentionRows {
  const { heads, valueWidth: width } = kernel;
  const unit = resultUnit(kernel);
  return { name, buffer, head: "single", stride: heads * width / unit, width, unit };
}

/** Indices of the quads of one row; the last quad may be partial. */
export const quadsOf = ({ width }: AttentionRows): number[] => range(ceilDiv(width, 4));

/** WGSL of the offset of a token's row. */
export function rowAt({ head, stride, first }: AttentionRows, token: string): string {
  const at = `${head} + (${token}) * ${stride}u`;
  return first === undefined ? at : `${at} + ${first}u`;
}
