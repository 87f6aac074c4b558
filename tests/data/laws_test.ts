/** Laws of the data: disjoint parts, and each window once per epoch. */
import { assert, assertEquals } from "@std/assert";
import { IGNORE } from "../../src/base/ignore.ts";
import { split } from "../../src/data/windows.ts";
import { addresses, evaluationOf, inputOf, sourceFor } from "./sources/fixture.ts";
import type { TokenBatch } from "../../src/data/source.ts";

const rising = (n: number) => Uint32Array.from({ length: n }, (_, i) => i);
const KINDS = {
  "shuffled windows": {},
  "overlapping windows": { stride: 3 },
  "masked documents": { document_end: "x", document_mask: true },
  "lanes": { bptt: 4 },
  "lanes of documents": { bptt: 4, document_end: "x" },
};

for (const [name, kind] of Object.entries(KINDS)) {
  Deno.test(`training and validation share no token: ${name}`, () => {
    const data = { seq_len: 8, stride: 8, ...kind };
    for (const evalStride of [undefined, 5]) {
      const parts = split(rising(900), { ...data, validation: 0.2 });
      const source = sourceFor(
        data,
        inputOf({
          ...parts,
          // Every seventh token ends a document.
          end: "document_end" in kind ? [7] : [],
          ...(evalStride !== undefined && { evalStride }),
        }),
      );
      const read = (batches: readonly TokenBatch[]) =>
        batches.flatMap(({ tensors: { tokens: inputs, targets } }) =>
          [...targets].flatMap((target, i) => target === IGNORE ? [] : [inputs[i] ?? NaN, target])
        );
      const train = read(addresses(40, 2).map((at) => source.train(at)));
      const evaluated = read(evaluationOf(source));
      assert(train.length > 0 && train.every((token) => token < 720), "training");
      assert(evaluated.length > 0 && evaluated.every((token) => token >= 720), "validation");
    }
  });
}

for (const stride of [8, 3]) {
  Deno.test(`an epoch has each window once, whoever computes it: stride ${stride}`, () => {
    const data = { seq_len: 8, stride };
    const count = Math.floor((721 - 9) / stride) + 1;
    const starts = (microBatches: number, windows: number) => {
      const input = inputOf({ train: rising(721), validation: rising(20), microBatches, windows });
      const source = sourceFor(data, input);
      const steps = Math.ceil(2 * count / (microBatches * windows));
      return addresses(steps, microBatches).flatMap((at) => {
        const { tensors: { tokens: inputs } } = source.train(at);
        return Array.from({ length: windows }, (_, b) => inputs[8 * b] as number);
      }).slice(0, 2 * count);
    };
    const all = starts(2, 3);
    for (const epoch of [all.slice(0, count), all.slice(count)]) {
      const sorted = epoch.toSorted((a, b) => a - b);
      assertEquals(sorted, Array.from({ length: count }, (_, k) => k * stride));
    }
    // The split of a step into micro-batches does not change the order.
    assertEquals(starts(6, 1), all);
    assertEquals(starts(1, 6), all);
  });
}
