/** Golden numbers of transformers and PyTorch, with tolerances. */
import { assert, assertEquals } from "@std/assert";
import { openReference } from "../../src/device/reference.ts";
import type { Device } from "../../src/device/types.ts";
import { onGpu, sharedGpu } from "../support/gpu.ts";
import type { Numbers } from "../support/graph/torch_golden.ts";

/** What the scripts of tests/golden write. */
export interface ExchangeGolden {
  readonly about: string;
  readonly ids: readonly (readonly number[])[];
  readonly logits: Numbers;
}

/** Reads tests/golden/<name>.json. */
export function readGolden<T extends ExchangeGolden>(name: string): T {
  return JSON.parse(Deno.readTextFileSync(new URL(`../golden/${name}.json`, import.meta.url)));
}

/** Largest difference, as a share of the largest value. */
const RELATIVE = 1e-4;

/** Whether numbers are those of a golden file. */
export function assertNear(
  got: ArrayLike<number> | undefined,
  want: ArrayLike<number>,
  name: string,
): void {
  assertEquals(got?.length, want.length, name);
  const largest = Array.from(want).reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  const off = Array.from(want).reduce(
    (most, x, i) => Math.max(most, Math.abs(x - (got?.[i] as number))),
    0,
  );
  assert(off <= RELATIVE * largest, `${name} is off by ${off}, its largest is ${largest}`);
}

/** Runs a test on the reference and on the GPU. */
export function onBoth(name: string, body: (device: Device) => Promise<void>): void {
  Deno.test(`${name}, on the reference`, () => body(openReference()));
  Deno.test(onGpu(`${name}, on the GPU`), async () => body(await gpu()));
}

const gpu = sharedGpu();
