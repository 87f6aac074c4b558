/** Runs initialized from a model. */
import { assertEquals, assertThrows } from "@std/assert";
import { UserError } from "../../src/base/user_error.ts";
import type { RunConfig } from "../../src/config/schema.ts";
import { openReference } from "../../src/device/reference.ts";
import { Faults } from "../../workers/faults/plan.ts";
import { type FaultPlan, faultPlanSchema } from "../../workers/faults/schema.ts";
import { initialOf } from "../../src/artifacts/initial.ts";
import type { OpenedModel } from "../../src/artifacts/model.ts";
import { shapeOf } from "../../src/engine/plans.ts";
import { tinyConfig } from "../support/gpt.ts";
import { letters, lockstep } from "../support/lockstep.ts";
import { someValues } from "../../src/testing/some_values.ts";

const onReference = () => Promise.resolve(openReference());

function modelOf(config: RunConfig): OpenedModel {
  const { tokenizer, vocabulary } = letters(config);
  const { params } = shapeOf(config, vocabulary);
  return {
    path: "model",
    kind: "run",
    step: 3,
    model: config.model,
    context: config.data.seq_len,
    vocabulary,
    classes: vocabulary,
    targetKind: "next_token",
    tokenizer,
    params: new Map(
      params.map((p) => [p.name, { name: p.name, shape: p.shape, data: someValues(p) }]),
    ),
    config,
  };
}

Deno.test("initialOf() takes the parameters, tokenizer and vocabulary of a model", () => {
  const config = tinyConfig();
  const opened = modelOf(config);
  const { settled, params } = initialOf(config, opened);
  assertEquals(new Map(params), new Map(opened.params));
  const { tokenizer, vocabulary } = opened;
  assertEquals(settled, { by: "model", tokenizer, vocabulary });
  const dropped = initialOf(tinyConfig({ model: { dropout: 0.3 } }), opened);
  assertEquals(new Map(dropped.params), new Map(opened.params));
});

Deno.test("initialOf() cuts a table of positions to a shorter window, and cannot lengthen it", () => {
  const opened = modelOf(tinyConfig());
  const { params } = initialOf(tinyConfig({ window: 5 }), opened);
  const [whole, cut] = [opened.params, params].map((p) => p.get("positions.weight"));
  assertEquals(cut?.shape, [5, 16]);
  assertEquals(cut?.data, whole?.data.slice(0, 80));
  const long = () => initialOf(tinyConfig({ window: 9 }), opened);
  const { exit } = assertThrows(long, UserError, "need positions.weight [9, 16]: it has [8, 16]");
  assertEquals(exit, "incompatible");
});

Deno.test("initialOf() refuses another model, both named", () => {
  const opened = modelOf(tinyConfig());
  const wide = () => initialOf(tinyConfig({ model: { width: 32 } }), opened);
  const { message } = assertThrows(wide, UserError, "Cannot begin with model");
  assertEquals(message.includes('"width":16') && message.includes('"width":32'), true);
});

Deno.test("a run that begins with a model has the same bits on 1 and 4 workers, and after losing all", async () => {
  const config = tinyConfig({ steps: 5 });
  const { params: initial } = initialOf(config, modelOf(config));
  const common = { openDevice: onReference, initial };
  const one = await lockstep(config, { ...common, world: 1 });
  assertEquals(
    (await lockstep(config, { ...common, world: 4 })).outcome.stateHash,
    one.outcome.stateHash,
  );
  const plain = await lockstep(config, { world: 1, openDevice: onReference });
  assertEquals(plain.outcome.stateHash === one.outcome.stateHash, false);
  // The only worker is lost before there is a checkpoint: the run begins anew with the model.
  const plan = [{ at: { step: 2, rank: 0, point: "forward" }, do: "sigkill" }];
  const faults = new Faults(faultPlanSchema.parse(plan) as FaultPlan);
  const lost = await lockstep(config, { ...common, world: 1, faults });
  assertEquals(lost.events.some(({ type }) => type === "rewind"), true);
  assertEquals(lost.outcome.stateHash, one.outcome.stateHash);
});
