/**
 * Kinds of positions, shared heads and windows: one state for any number of workers, a state of its
 * own for each kind, and samples that are generated with them.
 */
import { assert, assertEquals } from "@std/assert";
import { openReference } from "../../../src/device/reference.ts";
import { openWebGpu } from "../../../src/device/webgpu.ts";
import { tinyConfig, type TinyInput } from "../../support/gpt.ts";
import { lockstep } from "../../support/lockstep.ts";
import { onGpu } from "../../support/gpu.ts";

const MODELS: Readonly<Record<string, NonNullable<TinyInput["model"]>>> = {
  learned: {},
  rotary: { positions: "rotary" },
  "rotary of another theta": { positions: "rotary", rotary_theta: 20 },
  alibi: { positions: "alibi" },
  none: { positions: "none" },
  "shared heads": { kv_heads: 1 },
  "a window": { attention_window: 3 },
};

async function resultOf(model: TinyInput["model"], world: number, gpu = false) {
  const config = tinyConfig({
    steps: 3,
    model: { dropout: 0.1, ...model },
    report: { sample_length: 5 },
  });
  const { outcome: { stateHash, valLoss }, events } = await lockstep(config, {
    world,
    openDevice: gpu
      ? () => openWebGpu({ runtime: Deno.version.deno })
      : () => Promise.resolve(openReference()),
  });
  return { stateHash, valLoss, sample: events.find(({ type }) => type === "sample") };
}

Deno.test("every kind has one state for any number of workers, and a state of its own", async () => {
  const hashes = new Set<string>();
  for (const [name, model] of Object.entries(MODELS)) {
    const one = await resultOf(model, 1);
    assert(one.sample !== undefined, name);
    assertEquals(await resultOf(model, 3), one, name);
    hashes.add(one.stateHash);
  }
  assertEquals(hashes.size, Object.keys(MODELS).length);
});

Deno.test(
  onGpu("all of them together give the same bits for 1 and 2 workers on the GPU"),
  async () => {
    const model = { positions: "rotary", heads: 4, kv_heads: 2, attention_window: 5 } as const;
    assertEquals(await resultOf(model, 2, true), await resultOf(model, 1, true));
  },
);
