/** The merging of evaluation shares: means by term, perplexity by the negative log-likelihood. */
import { assertAlmostEquals, assertEquals } from "@std/assert";
import { bytesOf } from "../../../src/base/hash.ts";
import { packLosses } from "../../../src/engine/evaluation.ts";
import type { SequenceLoss } from "../../../src/engine/evaluation.ts";
import { evaluationOf } from "../../../workers/coordinator/evaluated.ts";

const TERMS = [
  { name: "nll", per: "targets", weight: 1 },
  { name: "correct", per: "targets", weight: 0 },
  { name: "penalty", per: "micro_batches", weight: 0.5 },
] as const;

/** Two sequences of the first text and one of the second, on two workers. */
const SHARES: readonly (readonly SequenceLoss[])[] = [
  [
    { sequence: 0, counted: 4, batches: 1, sums: [8, 1, 3] },
    { sequence: 2, counted: 2, batches: 2, sums: [2, 2, 10] },
  ],
  [{ sequence: 1, counted: 6, batches: 1, sums: [6, 3, 5] }],
];

const payloads = SHARES.map((losses) => bytesOf(packLosses(losses)));
const textOf = (sequence: number) => sequence < 2 ? 0 : 1;

Deno.test("evaluationOf() divides each term by its own count, and adds those with a weight", () => {
  const found = evaluationOf(payloads, { among: 2, terms: TERMS, textOf });
  assertEquals(found.terms, { nll: 16 / 12, penalty: 18 / 4 });
  assertAlmostEquals(found.loss, 16 / 12 + 0.5 * 18 / 4, 1e-15);
  assertEquals([found.accuracy, found.counted], [0.5, 12]);
});

Deno.test("evaluationOf() has the likelihood of each text apart from its penalties", () => {
  const { texts } = evaluationOf(payloads, { among: 3, terms: TERMS, textOf });
  assertEquals(texts, [
    { nats: 14, total: 14 + 0.5 * 8 * 10 / 2, counted: 10 },
    { nats: 2, total: 2 + 0.5 * 10 * 2 / 2, counted: 2 },
    { nats: 0, total: 0, counted: 0 },
  ]);
});

Deno.test("evaluationOf() tells auxiliary terms beside a loss without them", () => {
  const terms = TERMS.map((term) => ({ ...term, auxiliary: term.name === "penalty" }));
  const found = evaluationOf(payloads, { among: 1, terms });
  assertEquals(found.terms, { nll: 16 / 12, penalty: 18 / 4 });
  assertEquals(found.loss, 16 / 12);
  assertEquals(found.texts, [{ nats: 16, total: 16, counted: 12 }]);
});

Deno.test("evaluationOf() of a single term is its plain sum, in the order of sequences", () => {
  const [nll] = TERMS;
  const one = SHARES.flat().map((row) => ({ ...row, sums: row.sums.slice(0, 1) }));
  const found = evaluationOf([bytesOf(packLosses(one))], { among: 1, terms: [nll] });
  assertEquals([found.loss, found.accuracy], [16 / 12, undefined]);
  assertEquals(found.texts, [{ nats: 16, total: 16, counted: 12 }]);
  const none = evaluationOf([], { among: 1, terms: [nll] });
  assertEquals([none.loss, none.texts], [NaN, [{ nats: 0, total: 0, counted: 0 }]]);
});
