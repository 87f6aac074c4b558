/** Validation parts around the length of a window: every source evaluates all targets. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { IGNORE } from "../../../src/base/ignore.ts";
import { UserError } from "../../../src/base/user_error.ts";
import { leastEvaluated } from "../../../src/data/sources/mod.ts";
import type { DataConfig } from "../../../src/data/schema.ts";
import { dataConfig, evaluationOf, type Input, inputOf, sourceFor, textInput } from "./fixture.ts";

const WINDOW = 6;
const TEXT = "Call me Ishmael. Some years ago - never mind how long precisely - having ";
const LENGTHS = [0, 1, 2, WINDOW - 1, WINDOW, WINDOW + 1, WINDOW + 2, 2 * WINDOW + 1];

/** A source, and its number of targets for n tokens without a limit. */
interface Kind {
  readonly kind: string;
  readonly data: Partial<DataConfig>;
  readonly input?: Partial<Input>;
  readonly asks: (n: number) => number;
}

const each = (n: number) => Math.max(0, n - 1);
const KINDS: readonly Kind[] = [
  { kind: "windows", data: { seq_len: WINDOW }, asks: each },
  { kind: "windows that slide", data: { seq_len: WINDOW }, input: { evalStride: 2 }, asks: each },
  {
    kind: "windows of documents",
    data: { seq_len: WINDOW, document_end: " ", document_mask: true },
    input: { end: [0] },
    asks: each,
  },
  { kind: "lanes", data: { seq_len: WINDOW, bptt: 4 }, asks: each },
  {
    kind: "lanes of documents",
    data: { seq_len: WINDOW, bptt: 4, document_end: " " },
    input: { end: [0] },
    asks: each,
  },
  { kind: "capitals", data: { source: "truecase", seq_len: WINDOW }, asks: each },
  {
    kind: "directions of whole windows",
    data: { source: "direction", seq_len: WINDOW },
    asks: (n) => Math.floor(each(n) / WINDOW),
  },
];

function sourceOf({ data, input = {} }: Kind, n: number, evalWindows: number) {
  const texts = { train: TEXT, validation: TEXT.slice(10, 10 + n) };
  return sourceFor(data, { ...textInput(texts, { evalWindows, ...input }) });
}

for (const kind of KINDS) {
  Deno.test(`a validation part of any length is asked as far as it goes: ${kind.kind}`, () => {
    for (const n of LENGTHS) {
      for (const limit of [0, 1, 100]) {
        const batches = evaluationOf(sourceOf(kind, n, limit));
        const counted = batches.reduce((sum, batch) => sum + batch.counted, 0);
        const asked = batches.flatMap(({ tensors: { targets } }) =>
          [...targets].filter((t) => t !== IGNORE)
        );
        const where = `${n} tokens, limit ${limit}`;
        assertEquals(asked.length, counted, where);
        // "Too short" is defined in one place.
        assertEquals(counted > 0, n >= leastEvaluated(dataConfig(kind.data)), where);
        if (limit === 0 || n <= WINDOW) assertEquals(counted, kind.asks(n), where);
        else assert(counted <= kind.asks(n), where);
      }
    }
  });
}

Deno.test("a source without a text asks as much as ever", () => {
  const data = { source: "recall", gap: 3 } as const;
  assertEquals(leastEvaluated(dataConfig(data)), 0);
  const [batch] = evaluationOf(sourceFor(data, inputOf({ evalWindows: 3 })));
  assertEquals(batch?.counted, 3);
});

Deno.test("a text is evaluated however little of it there is to train on, and trained on never", () => {
  for (const kind of KINDS) {
    const texts = { train: TEXT.slice(0, 3), validation: TEXT.slice(10, 30) };
    const source = sourceFor(kind.data, textInput(texts, { evalWindows: 0, ...kind.input }));
    const counted = evaluationOf(source).reduce((sum, batch) => sum + batch.counted, 0);
    assertEquals(counted, kind.asks(20), kind.kind);
    const refused = assertThrows(() => source.requireTraining?.(), UserError);
    assertEquals(refused.exit, "data", kind.kind);
    assertThrows(() => source.train({ step: 0, microBatch: 0 }), UserError);
  }
});
