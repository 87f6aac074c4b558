/** Exported convolutional networks in PyTorch: the same tensors, loss and gradients; and back. */
import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { bytesOf, sha256 } from "../../src/base/hash.ts";
import type { Shape } from "../../src/base/shape.ts";
import { UserError } from "../../src/base/user_error.ts";
import { readExported, writeExported } from "../../src/artifacts/exported.ts";
import { readSafetensors } from "../../src/checkpoint/tensors/safetensors.ts";
import type { NamedTensor } from "../../src/checkpoint/tensors/tensor.ts";
import { openReference } from "../../src/device/reference.ts";
import { traceGradient } from "../../src/engine/plans.ts";
import { modelOf } from "../../src/models/mod.ts";
import { TempFolder } from "../checkpoint/fixture.ts";
import { runTrace } from "../support/graph/run_trace.ts";
import type { Numbers } from "../support/graph/torch_golden.ts";
import { convolutionConfig, convolutionOf, CONVOLUTIONS, VOCABULARY } from "./convolutions.ts";

interface Golden {
  readonly tensors: Readonly<Record<string, { readonly shape: Shape; readonly sha256: string }>>;
  readonly x: Numbers;
  readonly targets: readonly number[];
  readonly loss: number;
  readonly gradients: Readonly<Record<string, Numbers>>;
}

/** Largest difference, as a share of the largest value: scalars of a step are f32. */
const RELATIVE = 1e-6;

function goldenOf(name: string): Golden {
  const path = new URL(`../golden/convolution/torch_model_${name}.json`, import.meta.url);
  return JSON.parse(Deno.readTextFileSync(path));
}

async function exported(path: string, name: string): Promise<void> {
  const portable = convolutionOf(convolutionConfig(name));
  await writeExported(path, { ...portable, step: 5, tokenizer: undefined });
}

for (const name of Object.keys(CONVOLUTIONS)) {
  Deno.test(`the exported ${name} has the tensors that Python read, to the last bit`, async () => {
    using temp = new TempFolder();
    await exported(`${temp.path}/out`, name);
    const { tensors } = await readSafetensors(`${temp.path}/out/model.safetensors`);
    const read = [...tensors.values()].map(({ name, shape, data }) =>
      [name, { shape, sha256: sha256(bytesOf(data)) }] as const
    );
    assertEquals(Object.fromEntries(read), goldenOf(name).tensors);
  });

  Deno.test(`${name} has the loss and the gradients that PyTorch gives`, async () => {
    const { x, targets, loss, gradients } = goldenOf(name);
    const config = convolutionConfig(name);
    const portable = convolutionOf(config);
    const { graph } = traceGradient(config, VOCABULARY);
    const got = await runTrace(openReference({ precision: "f64" }), graph.results, {
      // One channel: [B, 1, H, W] has the elements of [B, H, W, 1].
      pixels: x.data,
      tokens: Uint32Array.from(x.data),
      targets: Uint32Array.from(targets),
      ...Object.fromEntries([...portable.params].map(([key, { data }]) => [key, data])),
    });
    assertAlmostEquals(got["loss"]?.[0] ?? NaN, loss, RELATIVE);
    const params = [...portable.params].map(([key, param]): [string, NamedTensor] => {
      return [key, { ...param, data: Float32Array.from(got[`grad:${key}`] ?? []) }];
    });
    const layout = modelOf(portable.model).exchange;
    const theirs = layout?.tensors({ ...portable, params: new Map(params) }) ?? [];
    assertEquals(theirs.map(({ name }) => name).sort(), Object.keys(gradients).sort());
    for (const { name, shape, data } of theirs) {
      const want = gradients[name] as Numbers;
      assertEquals(shape, want.shape);
      const largest = want.data.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
      assert(largest > 0, name);
      want.data.forEach((value, i) => {
        const off = Math.abs(value - (data[i] as number));
        assert(off <= RELATIVE * largest, `${name} at ${i}: ${data[i]} instead of ${value}`);
      });
    }
  });

  Deno.test(`the exported ${name} comes back to the last bit`, async () => {
    using temp = new TempFolder();
    await exported(`${temp.path}/out`, name);
    const portable = convolutionOf(convolutionConfig(name));
    const { params, step, tokenizer, ...rest } = await readExported(`${temp.path}/out`);
    const { params: own, ...sizes } = portable;
    assertEquals([rest, step, tokenizer], [sizes, 5, undefined]);
    assertEquals([...params.values()], [...own.values()]);
  });
}

Deno.test("a folder whose tensors do not fit its config is refused in one line", async () => {
  using temp = new TempFolder();
  const [out, config] = [`${temp.path}/out`, `${temp.path}/out/config.json`];
  await exported(out, "lenet");
  const json = JSON.parse(Deno.readTextFileSync(config));
  const refused = async (changed: object, says: string) => {
    Deno.writeTextFileSync(config, JSON.stringify({ ...json, ...changed }));
    const error = await assertRejects(() => readExported(out), UserError, says);
    assertEquals([error.exit, error.message.includes("\n")], ["data", false]);
  };
  await refused({ kernel: 5 }, "need conv.0.weight of shape [3, 1, 5, 5]: it is [3, 1, 3, 3]");
  await refused({ channels: [3, 7] }, "need dense.0.weight with a multiple of 7 columns");
  await refused({ dense: [6] }, "need head.weight of shape [3, 6]: it is [3, 5]");
  await refused({ pools: 2 }, "pools");
});
