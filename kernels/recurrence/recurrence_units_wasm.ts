/**
 * Loops of a recurrence's WebAssembly kernels: over time, and over the hidden units of all batch
 * rows. Letters as in recurrence_sizes.ts.
 */
import type { Body } from "../../src/wasm/body.ts";
import type { WasmTarget } from "../../src/wasm/kernel.ts";
import type { Pointer, Region, V128 } from "../../src/wasm/values.ts";

/** Elements of a vector. */
const LANES = 4;

/** A pointer to unit 0 of row 0, and the bytes between rows. */
export type Stream = readonly [Pointer, number];

/** Streams by name. */
export type Streams = ReadonlyMap<string, Stream>;

/** A value and where it is stored. */
export type Store = readonly [Pointer, V128];

/** The elements that one computation covers. */
export interface Units {
  /** The pointer to the elements of a stream. */
  readonly at: (name: string) => Pointer;
  readonly load: (from: Pointer) => V128;
}

/** A tensor [B, steps, width]. */
export interface TimeTensor {
  readonly region: Region;
  readonly steps: number;
  readonly width: number;
}

/** Rows of `width` elements one after the other. */
export function rowsAt(at: Pointer, width: number): Stream {
  return [at, 4 * width];
}

/** The rows of a tensor at step `t`. */
export function rowsAtStep(b: Body, { region, steps, width }: TimeTensor, t: number): Stream {
  return [b.at(region, 4 * t * width), 4 * steps * width];
}

/** The streams with these names, each once. */
export function select(streams: Streams, names: readonly string[]): [string, Stream][] {
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
  const named = Array.from(tensors);
  const walks = named.map(([, tensor]) =>
    [rowsAtStep(b, tensor, first)[0], 4 * direction * tensor.width] as const
  );
  b.walk(count, walks, (...pointers) => {
    body(
      new Map(named.map(([name, { steps, width }], k) => [
        name,
        [pointers[k] as Pointer, 4 * steps * width],
      ])),
    );
  });
}

/**
 * Computes the elements [rows, units] four at a time, or two times four whose results are stored
 * side by side, and the rest one at a time.
 */
export function printUnits(
  b: Body,
  { rows, units, streams, target, compute }: {
    readonly rows: number;
    readonly units: number;
    readonly streams: Streams;
    readonly target: WasmTarget;
    readonly compute: (units: Units) => readonly Store[];
  },
): void {
  const names = Array.from(streams.keys());
  const results = (pointers: readonly Pointer[], load: Units["load"]): readonly Store[] => {
    const at = (name: string): Pointer => {
      const pointer = pointers[names.indexOf(name)];
      if (pointer === undefined) throw new RangeError(`Cannot print units: no stream ${name}`);
      return pointer;
    };
    return compute({ at, load: (from) => b.let(load(from)) });
  };
  const whole = (pointers: readonly Pointer[]) => results(pointers, (from) => b.load(from));
  const row = (...starts: readonly Pointer[]): void => {
    let done = 0;
    const run = (width: number, body: (pointers: readonly Pointer[]) => void): void => {
      const count = Math.floor((units - done) / width);
      const walks = starts.map((p) => [p.plus(4 * done), 4 * width] as const);
      b.walk(count, walks, (...pointers) => body(pointers));
      done += count * width;
    };
    if (target.pairs) {
      run(2 * LANES, (pointers) => {
        const both = [whole(pointers), whole(pointers.map((p) => p.plus(4 * LANES)))] as const;
        both[0].forEach((store, k) => {
          b.store(...store);
          b.store(...both[1][k] as Store);
        });
      });
    }
    run(LANES, (pointers) => whole(pointers).forEach((store) => b.store(...store)));
    run(1, (pointers) => {
      const stores = results(pointers, (from) => b.loadOne(from));
      stores.forEach(([to, value]) => b.storeOne(to, value));
    });
  };
  b.walk(rows, Array.from(streams.values()), row);
}

/** Copies rows of `units` elements. */
export function printCopy(
  b: Body,
  { rows, units, from, to, target }: {
    readonly rows: number;
    readonly units: number;
    readonly from: Stream;
    readonly to: Stream;
    readonly target: WasmTarget;
  },
): void {
  const streams = new Map([["from", from], ["to", to]]);
  const compute = ({ at, load }: Units): Store[] => [[at("to"), load(at("from"))]];
  printUnits(b, { rows, units, streams, target, compute });
}
