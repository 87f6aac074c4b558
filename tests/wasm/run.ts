/** Runs printed functions over arrays. */
import { assertEquals } from "@std/assert";
import type { Body } from "../../src/wasm/body.ts";
import type { Arithmetic } from "../../src/wasm/encode.ts";
import { ModuleBuilder } from "../../src/wasm/module.ts";
import type { Pointer } from "../../src/wasm/values.ts";

const PAGE = 65536;
/** Bytes before, between and behind the arrays, which no function may change. */
const GUARD = 64;
const PATTERN = 0xa5;

/** Prints the body of a function; `at`: the start of an array. */
export type Print = (b: Body, at: (array: number) => Pointer) => void;

/** A compiled function and the arrays that it reads and writes. */
export interface Runnable {
  /** The arrays, in the memory of the module. */
  readonly views: readonly Float32Array<ArrayBuffer>[];
  /** Runs the function once. @throws {Error} when it wrote outside of the arrays. */
  readonly run: () => void;
}

/** Compiles a function over arrays of so many f32. */
export function compileFunction(
  sizes: readonly number[],
  print: Print,
  arithmetic?: Arithmetic,
): Runnable {
  const builder = new ModuleBuilder(arithmetic);
  const areas = sizes.map((size, k) => ({ name: `array ${k}`, bytes: 4 * size }));
  const kernel = builder.define({ areas }, (b, all) => {
    print(b, (k) => {
      const area = all[k];
      if (area === undefined) throw new RangeError(`Cannot print: there is no array ${k}`);
      return b.at(area);
    });
  });
  let end = GUARD;
  const addresses = sizes.map((size) => {
    const at = end;
    end += 4 * size + GUARD;
    return at;
  });
  builder.sequence("run", [{ kernel, addresses }]);
  const memory = new WebAssembly.Memory({ initial: Math.ceil(end / PAGE), maximum: 65536 });
  const bytes = new Uint8Array(memory.buffer as ArrayBuffer);
  const guards = [0, ...sizes.map((size, k) => (addresses[k] as number) + 4 * size)];
  guards.forEach((at) => bytes.fill(PATTERN, at, at + GUARD));
  const instance = new WebAssembly.Instance(new WebAssembly.Module(builder.encode()), {
    env: { memory },
  });
  const run = instance.exports["run"] as () => void;
  const views = sizes.map((size, k) =>
    new Float32Array(memory.buffer as ArrayBuffer, addresses[k], size)
  );
  return {
    views,
    run: () => {
      run();
      for (const at of guards) {
        const guard = bytes.subarray(at, at + GUARD);
        assertEquals(guard.findIndex((byte) => byte !== PATTERN), -1, `bytes at ${at} changed`);
      }
    },
  };
}

/** Runs a function once over copies of arrays; returns the arrays afterwards. */
export function runFunction(
  inputs: readonly (readonly number[] | Float32Array)[],
  print: Print,
  arithmetic?: Arithmetic,
): Float32Array<ArrayBuffer>[] {
  const { views, run } = compileFunction(inputs.map(({ length }) => length), print, arithmetic);
  inputs.forEach((input, k) => (views[k] as Float32Array).set(input));
  run();
  return views.map((view) => view.slice());
}
