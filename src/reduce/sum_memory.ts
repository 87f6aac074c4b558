/**
 * Vectors of one WebAssembly memory, which are added by SIMD as src/base/tree_add.ts adds: several
 * times faster than JavaScript, with the same bits.
 */
import { alignUp } from "../base/shape.ts";
import { treeAddInto } from "../base/tree_add.ts";
import { PAGE } from "./division.ts";
import { ModuleBuilder } from "../wasm/module.ts";
import { treeAddVectors } from "../wasm/tree_add.ts";

/** Bytes of the largest memory. */
const MOST_BYTES = 2 ** 32 - PAGE;
/** Alignment of vectors: a cache line. */
const ALIGNMENT = 64;
/** Elements per call, largest first: a sum is a few calls of fixed size, whose addresses are proved. */
const BLOCKS: readonly number[] = [2 ** 16, 2 ** 11, 2 ** 6];
/** Elements per iteration: four vectors, so that pairs of them can be joined. */
const UNROLLED = 16;

/** Adds two vectors at addresses to a third, elementwise. */
type Add = (target: number, left: number, right: number) => void;

let compiled: WebAssembly.Module | undefined;

/** The module of sums; it is compiled once per process. */
function sumModule(): WebAssembly.Module {
  if (compiled !== undefined) return compiled;
  const builder = new ModuleBuilder();
  for (const elements of BLOCKS) {
    const area = (name: string) => ({ name, bytes: 4 * elements });
    const areas = [area("target"), area("left"), area("right")];
    const callee = builder.define({ areas }, (b, all) => {
      const walks = all.map((each) => [b.at(each), 4 * UNROLLED] as const);
      b.walk(elements / UNROLLED, walks, (target, left, right) => {
        if (target === undefined || left === undefined || right === undefined) return;
        const sums = Array.from({ length: UNROLLED / 4 }, (_, k) => {
          const [x, y] = [b.load(left.plus(16 * k)), b.load(right.plus(16 * k))];
          return treeAddVectors(b, b.let(x), b.let(y));
        });
        sums.forEach((sum, k) => b.store(target.plus(16 * k), sum));
      });
    });
    builder.entry(`add${elements}`, callee);
  }
  return compiled = new WebAssembly.Module(builder.encode());
}

/** What a memory will hold. */
export interface SumSpace {
  /** Elements of all vectors. */
  readonly vectors: readonly number[];
  /** Bytes of all ranges of whole pages. */
  readonly pages: readonly number[];
}

/** Whether one memory can hold so much: it has at most 4 GiB. */
export function fitsSumMemory(space: SumSpace): boolean {
  return spaceBytes(space) <= MOST_BYTES;
}

function spaceBytes({ vectors, pages }: SumSpace): number {
  const small = vectors.reduce((sum, length) => sum + spaceOf(length), ALIGNMENT);
  return pages.reduce((sum, bytes) => sum + alignUp(bytes, PAGE), alignUp(small, PAGE));
}

/** Memory for the vectors of an exchange. */
export class SumMemory {
  readonly #memory: WebAssembly.Memory | undefined;
  readonly #adds: readonly { readonly elements: number; readonly add: Add }[];
  #end = ALIGNMENT;
  #pages: number;

  /** Beyond 4 GiB sums are JavaScript's, and there are no pages. */
  constructor(space: SumSpace) {
    this.#pages = PAGE;
    if (!fitsSumMemory(space)) {
      this.#adds = [];
      return;
    }
    this.#pages = spaceBytes({ ...space, pages: [] });
    const memory = new WebAssembly.Memory({ initial: spaceBytes(space) / PAGE, maximum: 65536 });
    const { exports } = new WebAssembly.Instance(sumModule(), { env: { memory } });
    this.#memory = memory;
    this.#adds = BLOCKS.map((elements) => ({ elements, add: exports[`add${elements}`] as Add }));
  }

  /** A range of whole pages. @throws {RangeError} where the memory has none. */
  allocatePages(bytes: number): Uint8Array<ArrayBuffer> {
    if (this.#memory === undefined) throw new RangeError("Cannot allocate pages beyond 4 GiB");
    const at = this.#pages;
    this.#pages += alignUp(bytes, PAGE);
    return new Uint8Array(this.#memory.buffer as ArrayBuffer, at, bytes);
  }

  /** A vector of zeros. @throws {RangeError} beyond the lengths that the memory was made for. */
  allocate(length: number): Float32Array<ArrayBuffer> {
    if (this.#memory === undefined) return new Float32Array(length);
    const at = this.#end;
    this.#end += spaceOf(length);
    return new Float32Array(this.#memory.buffer as ArrayBuffer, at, length);
  }

  /**
   * Writes the sums of `left` and `right` to `target`, which may be either of them. Vectors of other
   * memories are added in JavaScript. @throws {RangeError} unless the lengths are equal.
   */
  readonly add = (target: Float32Array, left: Float32Array, right: Float32Array): void => {
    const n = target.length;
    const isHere = [target, left, right].every(({ buffer, length }) =>
      buffer === this.#memory?.buffer && length === n
    );
    let done = 0;
    if (isHere) {
      for (const { elements, add } of this.#adds) {
        for (; done + elements <= n; done += elements) {
          const at = 4 * done;
          add(target.byteOffset + at, left.byteOffset + at, right.byteOffset + at);
        }
      }
      if (done === n) return;
    }
    const rest = (data: Float32Array) => data.subarray(done);
    treeAddInto(rest(target), rest(left), rest(right));
  };
}

function spaceOf(length: number): number {
  return alignUp(4 * length, ALIGNMENT);
}
