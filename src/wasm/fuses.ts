/** Tells whether this machine has fused multiply-add. */
import { ModuleBuilder } from "./module.ts";
import { f32x4 } from "./vectors.ts";

let known: boolean | undefined;

/**
 * Whether `relaxed_madd` rounds once here (Core Specification 3.0, section 4.4.2 allows both),
 * probed by an input that tells them apart: the square of 1 + 2^-12 is 1 + 2^-11 + 2^-24, of which a
 * product that is rounded by itself loses the last term.
 */
export function machineFuses(): boolean {
  known ??= probe();
  return known;
}

function probe(): boolean {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536 });
  const builder = new ModuleBuilder();
  const kernel = builder.define({ areas: [{ name: "probe", bytes: 16 }] }, (b, [area]) => {
    if (area === undefined) return;
    const at = b.at(area);
    // Loaded, so that the compiler does not compute the result itself.
    const x = b.let(b.load(at));
    b.store(at, f32x4.madd(x, x, f32x4.splat(-(1 + 2 ** -11))));
  });
  builder.sequence("run", [{ kernel, addresses: [0] }]);
  const words = new Float32Array(memory.buffer, 0, 4).fill(1 + 2 ** -12);
  const module = new WebAssembly.Module(builder.encode());
  const { run } = new WebAssembly.Instance(module, { env: { memory } }).exports;
  (run as () => void)();
  return words.every((word) => word === 2 ** -24);
}
