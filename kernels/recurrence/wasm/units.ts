/**
 * Loops of a recurrence's WebAssembly kernels: over time, and over the hidden units of all batch
 * rows. Letters as in recurrence_sizes.ts.
 */
import type { Body } from "../../../src/wasm/body.ts";
import type { WasmTarget } from "../../../src/wasm/kernel.ts";
import type { Area, Pointer, V128 } from "../../../src/wasm/values.ts";

/** Elements of a vector. */
const LANES = 4;

/** Rows in memory. */
export interface Stream {
  /** Unit 0 of row 0. */
  readonly start: Pointer;
  /** Elements of a row that are accessed. */
  readonly width: number;
  /** Elements between rows. */
  readonly stride: number;
}

/** Streams by name. */
export type Streams = ReadonlyMap<string, Stream>;

/** A value and where it is stored. */
export interface Store {
  readonly to: Pointer;
  readonly value: V128;
}

/** The elements that one computation covers, and the function that it is printed into. */
export interface Units {
  readonly b: Body;
  /** The pointer to the element of a stream `offset` elements after unit 0 of its row. */
  readonly at: (name: string, offset?: number) => Pointer;
  readonly load: (from: Pointer) => V128;
}

/** A tensor [B, steps, width]. */
export interface TimeTensor {
  readonly area: Area;
  readonly steps: number;
  readonly width: number;
  /** Elements from the start of a step that are accessed; default: `width`. */
  readonly span?: number;
}

/** Rows of `width` elements one after the other. */
export function rowsAt(start: Pointer, width: number): Stream {
  return { start, width, stride: width };
}

/** The rows of a tensor at step `t`. */
export function rowsAtStep(b: Body, { area, steps, width }: TimeTensor, t: number): Stream {
  return { start: b.at(area, 4 * t * width), width, stride: steps * width };
}

/** The streams with these names, each once. */
export function pickStreams(streams: Streams, names: readonly string[]): [string, Stream][] {
  return Array.from(new Set(names), (name) => [name, streams.get(name) as Stream]);
}

/** Runs `body` for `count` steps from `first` on, in `direction`, with each tensor's rows. */
export function walkTime(
  b: Body,
  { tensors, first, count, direction }: {
    readonly tensors: ReadonlyMap<string, TimeTensor>;
    readonly first: number;
    readonly count: number;
    readonly direction: 1 | -1;
  },
  body: (streams: Streams) => void,
): void {
  const named = Array.from(tensors, ([name, tensor]) => ({
    name,
    ...rowsAtStep(b, tensor, first),
    span: tensor.span ?? tensor.width,
  }));
  const walks = named.map(({ start, width }) => [start, 4 * direction * width] as const);
  b.walk(count, walks, (...pointers) => {
    const entries = named.map(({ name, span, stride }, k): [string, Stream] => [
      name,
      { start: pointers[k] as Pointer, width: span, stride },
    ]);
    body(new Map(entries));
  });
}

/** Rows, units of a row, and what is computed for each unit from which streams. */
export interface UnitLoop {
  readonly rows: number;
  readonly units: number;
  readonly streams: Streams;
  readonly target: WasmTarget;
  readonly compute: (units: Units) => readonly Store[];
}

/**
 * Computes the elements [rows, units] in a function of its own, so that V8 optimizes it after a few
 * steps: four elements at a time, or two times four whose results are stored side by side, and the
 * rest of a row in the first lanes of a vector.
 */
export function printUnits(b: Body, loop: UnitLoop): void {
  const { rows, streams } = loop;
  const named = Array.from(streams, ([name, stream]) => ({ name, ...stream }));
  const areas = named.map(({ name, width, stride }) => ({
    name,
    bytes: 4 * ((rows - 1) * stride + width),
  }));
  const callee = b.define({ areas }, (b, areas) => {
    const walks = named.map(({ stride }, k) => [b.at(areas[k] as Area), 4 * stride] as const);
    b.walk(rows, walks, (...starts) => printRow(b, loop, starts));
  });
  b.call(callee, { areas: named.map(({ start }) => start) });
}

/** The units of a row. */
function printRow(
  b: Body,
  { units, streams, target, compute }: UnitLoop,
  starts: readonly Pointer[],
): void {
  const names = Array.from(streams.keys());
  const results = (pointers: readonly Pointer[], lanes: number): readonly Store[] =>
    compute({
      b,
      at: (name, offset = 0) => {
        const pointer = pointers[names.indexOf(name)];
        if (pointer === undefined) throw new RangeError(`Cannot print units: no stream ${name}`);
        return pointer.plus(4 * offset);
      },
      load: (from) => b.let(b.loadSome(from, lanes)),
    });
  let done = 0;
  const run = (width: number, body: (pointers: readonly Pointer[]) => void): void => {
    const count = Math.floor((units - done) / width);
    const walks = starts.map((p) => [p.plus(4 * done), 4 * width] as const);
    b.walk(count, walks, (...pointers) => body(pointers));
    done += count * width;
  };
  if (target.pairs) {
    run(2 * LANES, (pointers) => {
      const low = results(pointers, LANES);
      const high = results(pointers.map((p) => p.plus(4 * LANES)), LANES);
      low.forEach(({ to, value }, k) => {
        b.store(to, value);
        b.store(to.plus(4 * LANES), (high[k] as Store).value);
      });
    });
  }
  const single = (lanes: number) => (pointers: readonly Pointer[]) => {
    for (const { to, value } of results(pointers, lanes)) b.storeSome(to, value, lanes);
  };
  run(LANES, single(LANES));
  if (done < units) single(units - done)(starts.map((p) => p.plus(4 * done)));
}
