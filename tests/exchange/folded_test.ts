/** A transformer with width multipliers is exported as an equivalent standard one. */
import { assert, assertEquals } from "@std/assert";
import type { Device } from "../../src/device/types.ts";
import { openReference } from "../../src/device/reference.ts";
import { folded } from "../../src/models/gpt/folded.ts";
import type { ModelConfig } from "../../src/models/mod.ts";
import type { Portable } from "../../src/exchange/types.ts";
import type { GptConfig } from "../../src/models/gpt/mod.ts";
import { openModel } from "../../src/artifacts/model.ts";
import { writeExported } from "../../src/artifacts/exported.ts";
import { TempFolder } from "../checkpoint/fixture.ts";
import { runTrace } from "../support/graph/run_trace.ts";
import { assertNear, onBoth } from "./golden.ts";
import { portableOf, someTokens, traceLogits } from "./models.ts";

const GPT = { kind: "gpt", layers: 2, width: 12, heads: 3 };

async function logitsOf(device: Device, portable: Portable<ModelConfig>): Promise<Float64Array> {
  const values = [...portable.params].map(([name, { data }]) => [name, data] as const);
  const tokens = someTokens(2 * portable.context, portable.vocabulary);
  const { logits } = traceLogits(portable, 2);
  const got = await runTrace(device, { logits }, { ...Object.fromEntries(values), tokens });
  return got["logits"] as Float64Array;
}

function wide(more: Record<string, unknown>): Portable<GptConfig> {
  return portableOf({ model: { ...GPT, ...more } }) as Portable<GptConfig>;
}

for (const tied of [false, true]) {
  const name = tied ? "a tied wide transformer" : "a wide transformer";
  onBoth(`${name} gives its logits after an export`, async (device) => {
    using temp = new TempFolder();
    const portable = wide({ tie_embeddings: tied, mup_base_width: 6 });
    await writeExported(`${temp.path}/out`, { ...portable, step: 0, tokenizer: undefined });
    const opened = await openModel(`${temp.path}/out`);
    assertEquals(opened.model, { ...wide({ tie_embeddings: tied }).model });
    assertNear(await logitsOf(device, opened), await logitsOf(device, portable), "logits");
    const plain = { ...portable, model: opened.model };
    const [was, now] = [await logitsOf(device, plain), await logitsOf(device, portable)];
    assert(was.some((x, i) => Math.abs(x - (now[i] as number)) > 1e-2), "multipliers matter");
  });
}

Deno.test("factors that are powers of two fold without rounding", async () => {
  const portable = wide({ mup_base_width: 3 });
  const { model, params } = folded(portable);
  assertEquals(model, wide({}).model);
  const touched = [...params].filter(([name, tensor]) => tensor !== portable.params.get(name));
  const names = ["blocks.0.qkv", "blocks.1.qkv", "norm"]
    .flatMap((name) => [`${name}.weight`, `${name}.bias`]);
  assertEquals(touched.map(([name]) => name).toSorted(), names.toSorted());
  const device = openReference();
  const [was, now] = [portable, { ...portable, model, params }];
  assertEquals(await logitsOf(device, now), await logitsOf(device, was));
});

Deno.test("heads as wide as the base's keep their queries, a standard model all", () => {
  const portable = wide({ mup_base_width: 4, mup_base_heads: 1 });
  const { params } = folded(portable);
  assertEquals(params.get("blocks.0.qkv.weight"), portable.params.get("blocks.0.qkv.weight"));
  const standard = wide({});
  assert(folded(standard) === standard);
});
