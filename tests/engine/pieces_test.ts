/** The pieces in which a gradient leaves: when each is finished, and the bits that it has. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { resolveConfig } from "../../src/config/resolve.ts";
import type { RunConfig, RunInput } from "../../src/config/schema.ts";
import { openReference } from "../../src/device/reference.ts";
import type { Device } from "../../src/device/types.ts";
import { gradientPieces, type Piece } from "../../src/engine/piecewise/pieces.ts";
import { gradientPlan, shapeOf, sizesOf } from "../../src/engine/plans.ts";
import { Replica } from "../../src/engine/replica.ts";
import { bucketSlot, vectorBuckets, vectorLength } from "../../src/plan/layout.ts";
import { bits } from "../reduce/mesh.ts";
import { onDevice, REFERENCE_AND_GPU } from "../support/gpu.ts";
import { letters } from "../support/lockstep.ts";

const VOCABULARY = 30;
const gpt = { kind: "gpt", layers: 3, heads: 2, width: 32 } as const;
const common = {
  data: { seq_len: 6, stride: 6 },
  micro_batch_size: 2,
  micro_batches: 8,
} as const;

/** Models whose gradients are finished in different orders. */
const MODELS: Readonly<Record<string, RunInput>> = {
  "a transformer": { ...common, model: gpt },
  "one with tied embeddings": { ...common, model: { ...gpt, tie_embeddings: true } },
  "one whose matrices have a rule of their own": { ...common, model: gpt, optim: { kind: "muon" } },
  "one with a frozen part": {
    ...common,
    model: gpt,
    optim: { groups: [{ match: "*blocks.0*", frozen: true }] },
  },
  "a recurrent network": {
    ...common,
    model: { kind: "recurrent", cell: "lstm", layers: 2, width: 24 },
  },
};

function partsOf(config: RunConfig, sizes = { split: 1, least: 256 }) {
  const { layout } = shapeOf(config, VOCABULARY);
  const plan = gradientPlan(config, VOCABULARY, layout);
  const pieces = gradientPieces(plan, layout, sizes);
  return { layout, plan, pieces, length: vectorLength(layout, "grad") };
}

/** What runs of a plan write to the gradient vector, call by call. */
async function writesOf({ layout, plan, length }: ReturnType<typeof partsOf>) {
  const device = openReference();
  const memory = device.memory();
  const program = await device.load(plan, memory);
  for (const [slot, size] of Object.entries(sizesOf(layout, "grad"))) memory.ensure(slot, size);
  const read = async () => {
    const slices = vectorBuckets(layout, "grad").map(({ bucket, length }) => ({
      slot: bucketSlot("grad", bucket),
      offset: 0,
      length,
    }));
    return bits(await memory.read(slices));
  };
  // What was there before shows what a call leaves as it is.
  for (const { bucket, length } of vectorBuckets(layout, "grad")) {
    memory.write(bucketSlot("grad", bucket), new Float32Array(length).fill(12345));
  }
  const lastChange = new Int32Array(length);
  let before = await read();
  for (let call = 0; call < plan.calls.length; call++) {
    program.runPart?.(call, call + 1);
    const now = await read();
    now.forEach((word, i) => word === before[i] || (lastChange[i] = call + 1));
    before = now;
  }
  return lastChange;
}

for (const [name, input] of Object.entries(MODELS)) {
  Deno.test(`no element of ${name} changes after its piece is finished`, async () => {
    const parts = partsOf(resolveConfig(input));
    const { pieces, plan, length } = parts;
    assert(pieces.length >= 3, `${pieces.length} pieces`);
    const lastChange = await writesOf(parts);
    let at = 0;
    for (const { start, end, after } of pieces.toSorted((a, b) => a.start - b.start)) {
      assertEquals(start, at);
      const latest = lastChange.subarray(start, end).reduce((a, b) => Math.max(a, b), 0);
      assert(latest <= after && after <= plan.calls.length, `[${start}, ${end}): ${latest}`);
      at = end;
    }
    assertEquals(at, length);
    assertEquals(pieces, pieces.toSorted((a, b) => a.after - b.after));
    // Something leaves before the end, or there is nothing to gain.
    const early = pieces.filter(({ after }) => after < plan.calls.length - 3);
    assert(early.reduce((sum, { start, end }) => sum + end - start, 0) > length / 8);
  });
}

Deno.test("pieces have about the same size, and a small gradient is one", () => {
  const model = { kind: "gpt", layers: 8, heads: 4, width: 128 } as const;
  const { pieces, length, plan } = partsOf(resolveConfig({ model }), {
    split: 2 ** 20,
    least: 2 ** 16,
  });
  const largest = pieces.reduce((most, { start, end }) => Math.max(most, end - start), 0);
  assert(pieces.length >= 6 && largest < length / 4, `${pieces.length}, ${largest} of ${length}`);
  const small = partsOf(resolveConfig({}), { split: 2 ** 30, least: 1 });
  assertEquals(small.pieces, [{ start: 0, end: small.length, after: small.plan.calls.length }]);
  assert(plan.calls.length > pieces.length);
});

/** A model with enough elements for several pieces. */
const LARGE: RunInput = {
  ...common,
  data: { seq_len: 4, stride: 4 },
  micro_batch_size: 1,
  model: { kind: "gpt", layers: 3, heads: 2, width: 192, dropout: 0.1 },
};
const CARRYING: RunInput = {
  ...common,
  data: { seq_len: 8, bptt: 4 },
  micro_batch_size: 1,
  model: { kind: "recurrent", cell: "gru", layers: 3, width: 256 },
};

async function openReplica(device: Device, input: RunInput): Promise<Replica> {
  const config = resolveConfig(input);
  const replica = new Replica(device, { config, corpus: letters(config) });
  await replica.open();
  return replica;
}

for (const [words, open] of Object.entries(REFERENCE_AND_GPU)) {
  for (const [name, input] of Object.entries({ "a transformer": LARGE, "a GRU": CARRYING })) {
    const what = `the gradient of ${name} in pieces has the bits of the whole on ${words}`;
    Deno.test(onDevice(words, what), async () => {
      const device = await open();
      const [whole, cut] = [await openReplica(device, input), await openReplica(device, input)];
      const { shaders } = cut;
      assert(cut.piecewise.isPiecewise);
      const into = new Float32Array(cut.gradientSize);
      // A worker's nodes, with one micro-batch, with several, and two subtrees in a step.
      const all = [[[0, 3]], [[1, 1], [0, 6]], [[2, 0]]] as const;
      // The reference device is slow: one step of two micro-batches, without its update.
      const isSlow = words === "the reference";
      const steps = isSlow ? [[[1, 1]]] as const : all;
      for (const [step, nodes] of steps.entries()) {
        for (const [i, [level, index]] of nodes.entries()) {
          const node = { level, index };
          whole.accumulate(step, node);
          const expected = await whole.gradient({ last: i === nodes.length - 1 });
          if (i < nodes.length - 1) {
            cut.accumulate(step, node);
            assertEquals(bits(await cut.gradient({ last: false })), bits(expected));
            continue;
          }
          const arrived = cut.piecewise.accumulateInPieces(step, node, into.fill(NaN));
          for (const [piece, { start, end }] of cut.piecewise.pieces.entries()) {
            await arrived[piece];
            const part = bits(into.subarray(start, end));
            assertEquals(part, bits(expected.subarray(start, end)), `step ${step} ${piece}`);
          }
        }
        if (isSlow) continue;
        assertEquals(await cut.inspect(), await whole.inspect());
        whole.update(step);
        cut.update(step);
        assertEquals(await cut.hash(), await whole.hash());
      }
      assertEquals([cut.shaders, whole.shaders], [shaders, shaders]);
      device.close();
    });
  }
}

Deno.test("a fault while a piece is computed rejects it and all that follow", async () => {
  const replica = await openReplica(openReference(), LARGE);
  const { pieces } = replica.piecewise;
  // Shorter than the gradient, so that a later piece has no place.
  const into = new Float32Array((pieces[0] as Piece).end);
  const arrived = replica.piecewise.accumulateInPieces(0, { level: 0, index: 0 }, into);
  await assertRejects(() => arrived.at(-1) as Promise<void>, RangeError);
});
