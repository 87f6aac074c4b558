import { assert, assertEquals, assertThrows } from "@std/assert";
import { UserError } from "../../src/base/user_error.ts";
import { keys } from "../../src/config/keys.ts";
import { resolveConfig } from "../../src/config/resolve.ts";
import type { RunInput } from "../../src/config/schema.ts";
import { requireUsed } from "../../src/config/unused.ts";

const recurrent = { kind: "recurrent" } as const;

/** A config, and the keys that nothing in it heeds. */
/** Keys of source images. */
const IMAGES = ["data.image_height", "data.image_width", "data.image_classes"];

const CASES: readonly (readonly [RunInput, readonly string[]])[] = [
  [{}, [
    "data.gap",
    "data.names",
    "data.fillers",
    ...IMAGES,
    "data.mask_share",
    "optim.decay_share",
    "model.rotary_theta",
  ]],
  [{ model: { kind: "gpt", positions: "rotary" } }, [
    "data.gap",
    "data.names",
    "data.fillers",
    ...IMAGES,
    "data.mask_share",
    "optim.decay_share",
  ]],
  [{ data: { source: "recall" }, model: recurrent, optim: { schedule: "wsd" } }, [
    "data.path",
    "data.mix",
    ...IMAGES,
    "data.mask_share",
    "data.tokenizer",
    "data.seq_len",
    "data.stride",
    "data.validation",
    "eval.stride",
  ]],
  [{ data: { bptt: 8 }, model: recurrent, optim: { schedule: "constant" } }, [
    "data.gap",
    "data.names",
    "data.fillers",
    ...IMAGES,
    "data.mask_share",
    "data.stride",
    "eval.stride",
    "optim.decay_share",
    "optim.min_lr",
    "optim.decay_steps",
  ]],
  [{
    data: { source: "direction" },
    model: { ...recurrent, cell: "rnn_relu", memory: 9 },
    optim: { schedule: "wsd" },
  }, [
    "data.gap",
    "data.names",
    "data.fillers",
    ...IMAGES,
    "data.mask_share",
    "eval.stride",
    "model.memory",
  ]],
  [{ data: { source: "truecase" }, model: { ...recurrent, memory: 9 } }, [
    "data.gap",
    "data.names",
    "data.fillers",
    ...IMAGES,
    "data.mask_share",
    "optim.decay_share",
  ]],
  [{ data: { source: "images" }, model: { kind: "convnet", dense: [] } }, [
    "data.mix",
    "data.mask_share",
    "data.tokenizer",
    "data.seq_len",
    "data.stride",
    "data.validation",
    "data.gap",
    "data.names",
    "data.fillers",
    "eval.stride",
    "optim.decay_share",
    "model.dropout",
  ]],
  [{ data: { source: "masked" }, model: { kind: "encoder" } }, [
    "data.gap",
    "data.names",
    "data.fillers",
    ...IMAGES,
    "eval.stride",
    "optim.decay_share",
  ]],
];

Deno.test("a key that would have no effect is refused by its name, and no other", () => {
  const all = keys().map(({ path }) => path);
  for (const [input, unused] of CASES) {
    const config = resolveConfig(input);
    assert(unused.every((key) => all.includes(key)));
    for (const key of all) {
      if (!unused.includes(key)) requireUsed(config, [key]);
      else {
        const says = `Cannot take --${key}: need `;
        const refusal = assertThrows(() => requireUsed(config, ["name", key]), UserError, says);
        assertEquals(refusal.exit, "config");
      }
    }
    requireUsed(config, []);
  }
});
