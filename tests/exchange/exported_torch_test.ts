/** What Python read in exported folders is what we export, and its logits are ours. */
import { assertEquals } from "@std/assert";
import { bytesOf, sha256 } from "../../src/base/hash.ts";
import { readSafetensors } from "../../src/checkpoint/tensors/safetensors.ts";
import type { Shape } from "../../src/base/shape.ts";
import { writeExported } from "../../src/artifacts/exported.ts";
import { TempFolder } from "../checkpoint/fixture.ts";
import { runTrace } from "../support/graph/run_trace.ts";
import { assertNear, type ExchangeGolden, onBoth, readGolden } from "./golden.ts";
import { GOLDEN, type PortableInput, portableOf, traceLogits } from "./models.ts";

interface Golden extends ExchangeGolden {
  readonly tensors: Readonly<Record<string, { readonly shape: Shape; readonly sha256: string }>>;
}

for (const [name, input] of Object.entries(GOLDEN)) {
  Deno.test(`the exported ${name} has the tensors that Python read, to the last bit`, async () => {
    using temp = new TempFolder();
    const out = `${temp.path}/out`;
    await writeExported(out, { ...portableOf(input), step: 0, tokenizer: undefined });
    const { tensors, metadata } = await readSafetensors(`${out}/model.safetensors`);
    const read = [...tensors.values()].map(({ name, shape, data }) =>
      [name, { shape, sha256: sha256(bytesOf(data)) }] as const
    );
    assertEquals(Object.fromEntries(read), readGolden<Golden>(`exported/${name}`).tensors);
    assertEquals(metadata["format"], "pt");
  });

  onBoth(`the exported ${name} gives the logits that Python gives`, async (device) => {
    const golden = readGolden<Golden>(`exported/${name}`);
    const got = await runTrace(
      device,
      { logits: logitsFor(input, golden) },
      valuesOf(input, golden),
    );
    assertNear(got["logits"], golden.logits.data, "logits");
  });
}

function logitsFor(input: PortableInput, golden: Golden) {
  const { logits } = traceLogits(portableOf(input), golden.ids.length);
  assertEquals(logits.shape, golden.logits.shape);
  return logits;
}

function valuesOf(input: PortableInput, { ids }: Golden): Record<string, ArrayLike<number>> {
  const params = [...portableOf(input).params].map(([name, { data }]) => [name, data] as const);
  return { ...Object.fromEntries(params), tokens: Uint32Array.from(ids.flat()) };
}
