/** Masked text: how many tokens are chosen, what becomes of them, and what decides it. */
import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { IGNORE } from "../../../src/base/ignore.ts";
import { rootKey } from "../../../src/base/random.ts";
import { UserError } from "../../../src/base/user_error.ts";
import type { TokenBatch } from "../../../src/data/source.ts";
import { taskOf } from "../../../src/data/sources/mod.ts";
import { charTokenizer } from "../../../src/data/tokenizers/char.ts";
import { MASK_TOKEN, withSpecialTokens } from "../../../src/data/tokenizers/special/special.ts";
import { addresses, dataConfig, evaluationOf, inputOf, rowsOf, sourceFor } from "./fixture.ts";

const DATA = { source: "masked", seq_len: 20 } as const;
const LETTERS = Array.from({ length: 900 }, (_, i) => "abcdefghij"[(i * i + i / 7) % 10 | 0]).join(
  "",
);
const TOKENIZER = withSpecialTokens(charTokenizer(LETTERS), [MASK_TOKEN]);
const MASK = TOKENIZER.size - 1;
const SIZES = { microBatches: 2, windows: 3, tokenizer: TOKENIZER, vocabulary: TOKENIZER.size };
const INPUT = {
  ...SIZES,
  train: TOKENIZER.encode(LETTERS),
  validation: TOKENIZER.encode(LETTERS.slice(0, 150)),
};

/** The windows of a batch with the hidden tokens put back. */
const restored = ({ tensors: { tokens, targets } }: TokenBatch) =>
  tokens.map((token, i) => targets[i] === IGNORE ? token : targets[i] as number);

Deno.test("a window asks for the same number of tokens each time, and says so in its task", () => {
  for (const [share, chosen] of [[0.15, 3], [0.5, 10], [0.01, 1]] as const) {
    const data = { ...DATA, mask_share: share };
    const task = taskOf(dataConfig(data), TOKENIZER.size);
    assertEquals([task.countedPerWindow, task.classes, task.vocabulary], [
      chosen,
      TOKENIZER.size,
      TOKENIZER.size,
    ]);
    const source = sourceFor(data, inputOf(INPUT));
    for (const at of addresses(4, 2)) {
      const { tensors: { targets }, counted } = source.train(at);
      assertEquals(counted, 3 * chosen);
      for (const row of rowsOf(targets, 3)) {
        assertEquals(row.filter((target) => target !== IGNORE).length, chosen);
      }
    }
  }
});

Deno.test("the windows are those of the text, and 80, 10 and 10 % are hidden, exchanged, kept", () => {
  const source = sourceFor({ ...DATA, mask_share: 0.5 }, inputOf(INPUT));
  const plain = sourceFor({ source: "text", seq_len: 20 }, inputOf(INPUT));
  const counts = { all: 0, hidden: 0, kept: 0 };
  for (const at of addresses(300, 2)) {
    const batch = source.train(at) as TokenBatch;
    assertEquals(restored(batch), (plain.train(at) as TokenBatch).tensors.tokens);
    const { tokens, targets } = batch.tensors;
    targets.forEach((target, i) => {
      if (target === IGNORE) return;
      counts.all++;
      if (tokens[i] === MASK) counts.hidden++;
      if (tokens[i] === target) counts.kept++;
    });
  }
  // 18,000 draws: three standard deviations are below 0.01. An exchanged token may be the mask or
  // the token itself, each in one of eleven cases.
  const expected = { hidden: 0.8 + 0.1 / 11, kept: 0.1 + 0.1 / 11 };
  assert(Math.abs(counts.hidden / counts.all - expected.hidden) < 0.01, JSON.stringify(counts));
  assert(Math.abs(counts.kept / counts.all - expected.kept) < 0.01, JSON.stringify(counts));
});

Deno.test("what is hidden depends on key and address alone", () => {
  const source = sourceFor(DATA, inputOf(INPUT));
  const all = addresses(6, 2);
  const forward = all.map((at) => source.train(at));
  const again = sourceFor(DATA, inputOf(INPUT));
  assertEquals(all.toReversed().map((at) => again.train(at)).toReversed(), forward);
  // The same micro-batches, cut into other batches.
  const other = sourceFor(DATA, inputOf({ ...INPUT, microBatches: 1, windows: 6 }));
  const [one, two] = forward as [TokenBatch, TokenBatch];
  assertEquals(
    [...(other.train({ step: 0, microBatch: 0 }) as TokenBatch).tensors.tokens],
    [...one.tensors.tokens, ...two.tensors.tokens],
  );
  const keyed = sourceFor(DATA, inputOf({ ...INPUT, key: rootKey(1) }));
  assertNotEquals(keyed.train({ step: 0, microBatch: 0 }), forward[0]);
});

Deno.test("an evaluation hides the same tokens each time, in whole windows", () => {
  const source = sourceFor(DATA, inputOf(INPUT));
  const batches = evaluationOf(source) as TokenBatch[];
  assertEquals(evaluationOf(sourceFor(DATA, inputOf(INPUT))), batches);
  assertEquals(batches.reduce((sum, { counted }) => sum + counted, 0), 3 * Math.floor(149 / 20));
});

Deno.test("a tokenizer without the token of the mask is refused", () => {
  const tokenizer = charTokenizer(LETTERS);
  assertThrows(() => sourceFor(DATA, inputOf({ ...INPUT, tokenizer })), UserError, "[MASK]");
});
