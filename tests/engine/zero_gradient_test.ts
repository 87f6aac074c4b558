/** Parameters whose derivative is zero are trained with a gradient of zero; unread ones are refused. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import * as z from "zod";
import { headModel, layers, outputHead, type Scope, type Tensor } from "../../mod.ts";
import { hashValue } from "../../src/base/hash.ts";
import { sizeOf } from "../../src/base/shape.ts";
import { resolveConfig } from "../../src/config/resolve.ts";
import type { RunConfig } from "../../src/config/schema.ts";
import { openReference } from "../../src/device/reference.ts";
import type { Device } from "../../src/device/types.ts";
import { Replica } from "../../src/engine/replica.ts";
import { registerModel } from "../../src/models/user_model.ts";
import { addressIn } from "../../src/plan/layout.ts";
import { onDevice, sharedGpu } from "../support/gpu.ts";
import { letters } from "../support/lockstep.ts";

const WIDTH = 8;
const gpu = sharedGpu();

/** A config whose hidden layer is `body` over embeddings. */
function configOf(kind: string, body: (scope: Scope, x: Tensor) => Tensor): RunConfig {
  const sha256 = hashValue(kind);
  const model = headModel({
    kind,
    schema: z.strictObject({ kind: z.literal(kind) }),
    head(scope, { tokens, vocabulary, classes }) {
      const x = layers.embed(scope.in("tokens"), tokens, { vocabulary, width: WIDTH });
      return outputHead(scope.in("head"), body(scope, x), { classes });
    },
  });
  registerModel(model, { module: "/own.ts", sha256, shipped: [] });
  return resolveConfig({
    model: { kind, module: "/own.ts", sha256 },
    micro_batches: 1,
    micro_batch_size: 2,
    data: { seq_len: 8, stride: 8 },
    report: { sample_length: 0 },
  });
}

async function opened(device: Device, config: RunConfig): Promise<Replica> {
  const replica = new Replica(device, { config, corpus: letters(config) });
  await replica.open();
  return replica;
}

for (const [place, open] of [["the reference", openReference], ["the GPU", gpu]] as const) {
  Deno.test(
    onDevice(
      place,
      `a layer behind a factor of 0 has a gradient of zero, and all others have theirs, on ${place}`,
    ),
    async () => {
      const config = configOf(
        "zeroed",
        (scope, x) =>
          layers.plus(x, layers.scaled(layers.linear(scope.in("off"), x, { width: WIDTH }), 0)),
      );
      const replica = await opened(await open(), config);
      replica.accumulate(0, { level: 0, index: 0 });
      const { loss, nonFinite } = await replica.inspect();
      assert(loss > 0 && nonFinite === 0, `${loss}`);
      const gradient = await replica.readVector("grad");
      const largest = (name: string) => {
        const { offset } = addressIn(replica.layout, "grad", name);
        const { shape = [] } = replica.layout.entries.find((entry) => entry.name === name) ?? {};
        return Math.max(...gradient.slice(offset, offset + sizeOf(shape)).map(Math.abs));
      };
      assertEquals([largest("off.weight"), largest("off.bias")], [0, 0]);
      assert(largest("tokens.weight") > 0 && largest("head.weight") > 0);
    },
  );
}

Deno.test("a parameter that the loss does not read is refused by name", async () => {
  const config = configOf("unread", (scope, x) => {
    layers.linear(scope.in("off"), x, { width: WIDTH });
    return x;
  });
  const work = () => opened(openReference(), config);
  await assertRejects(work, RangeError, "Cannot train off.weight: the loss ignores it");
});
