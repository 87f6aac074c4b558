/** Tokens are drawn from the configured distribution. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { UserError } from "../../src/base/user_error.ts";
import { normals } from "../../src/base/random.ts";
import { drawToken } from "../../src/generate/draw.ts";
import type { Sampling } from "../../src/generate/draw.ts";
import { rowKey, uniformAt } from "../../src/generate/uniform.ts";
import { chiSquare, criticalValue } from "./chi_square.ts";

const DRAWS = 10_000;
/** Logits of 40 tokens, from very likely to hardly ever. */
const LOGITS = normals([4, 2], 40).map((x) => 2 * x);

/** How often each token came in 10,000 draws. */
function countsOf(logits: Float32Array, sampling: Sampling): number[] {
  const key = rowKey(1337, 0);
  const counts = Array.from(logits, () => 0);
  for (let i = 0; i < DRAWS; i++) {
    const { id } = drawToken(logits, { ...sampling, u: uniformAt(key, i) });
    counts[id] = (counts[id] as number) + 1;
  }
  return counts;
}

/** The softmax at a temperature, zero outside `kept`. */
function softmax(
  logits: Float32Array,
  { temperature = 1, kept = Array.from(logits.keys()) }: { temperature?: number; kept?: number[] },
): number[] {
  const weights = Array.from(logits, (x, i) => kept.includes(i) ? Math.exp(x / temperature) : 0);
  const total = weights.reduce((a, b) => a + b, 0);
  return weights.map((w) => w / total);
}

/** Ids from the likeliest down. */
function ranked(logits: Float32Array): number[] {
  return Array.from(logits.keys()).sort((a, b) => (logits[b] as number) - (logits[a] as number));
}

/** The nucleus by its definition: the shortest beginning of the ranked ids that holds `p`. */
function nucleus(logits: Float32Array, p: number): number[] {
  const probabilities = softmax(logits, {});
  const kept: number[] = [];
  let sum = 0;
  for (const id of ranked(logits)) {
    if (sum >= p) break;
    kept.push(id);
    sum += probabilities[id] as number;
  }
  return kept;
}

function assertDrawnFrom(counts: readonly number[], probabilities: readonly number[]): void {
  const { statistic, critical } = chiSquare(counts, probabilities);
  assert(statistic < critical, `${statistic} is above ${critical}`);
}

Deno.test("drawToken() follows the softmax at each temperature", () => {
  for (const temperature of [0.5, 0.8, 1, 2]) {
    const counts = countsOf(LOGITS, { temperature });
    assertDrawnFrom(counts, softmax(LOGITS, { temperature }));
  }
});

Deno.test("drawToken() follows the softmax of the k likeliest", () => {
  for (const topK of [2, 5, 39]) {
    const kept = ranked(LOGITS).slice(0, topK);
    assertDrawnFrom(countsOf(LOGITS, { temperature: 1, topK }), softmax(LOGITS, { kept }));
  }
});

Deno.test("drawToken() follows the softmax of the nucleus", () => {
  for (const topP of [0.3, 0.5, 0.9, 0.99]) {
    const kept = nucleus(LOGITS, topP);
    assert(kept.length > 1 && kept.length < LOGITS.length);
    assertDrawnFrom(countsOf(LOGITS, { temperature: 1, topP }), softmax(LOGITS, { kept }));
  }
});

Deno.test("drawToken() takes temperature, then the k likeliest, then their nucleus", () => {
  const warm = LOGITS.map((x) => x / 1.5);
  const likeliest = ranked(LOGITS).slice(0, 10);
  const among = warm.map((x, i) => likeliest.includes(i) ? x : -Infinity);
  const kept = nucleus(among, 0.8);
  assert(kept.length < 10);
  const counts = countsOf(LOGITS, { temperature: 1.5, topK: 10, topP: 0.8 });
  assertDrawnFrom(counts, softmax(warm, { kept }));
});

Deno.test("the test of counts refuses a distribution that is a little off", () => {
  const counts = countsOf(LOGITS, { temperature: 1 });
  for (
    const wrong of [
      softmax(LOGITS, { temperature: 1.1 }),
      softmax(LOGITS, { kept: ranked(LOGITS).slice(0, 30) }),
      softmax(LOGITS.map((x, i) => i === ranked(LOGITS)[0] ? x + 0.2 : x), {}),
    ]
  ) {
    const { statistic, critical } = chiSquare(counts, wrong);
    assert(statistic > critical, `${statistic} is below ${critical}`);
  }
});

Deno.test("criticalValue() is passed by chance once in ten thousand times", () => {
  for (const freedom of [8, 12, 24, 40, 64]) {
    // The tail has a closed form for even freedom: a Poisson sum (Abramowitz and Stegun 26.4.21).
    const half = criticalValue(freedom) / 2;
    let term = Math.exp(-half);
    let tail = term;
    for (let i = 1; i < freedom / 2; i++) tail += term *= half / i;
    assertAlmostEquals(tail / 1e-4, 1, 0.2, `${freedom}`);
  }
});

Deno.test("drawToken() at temperature 0 takes the likeliest, the lowest of equals", () => {
  for (const u of [0, 0.5, 1 - 2 ** -53]) {
    const options = { temperature: 0, u };
    assertEquals(drawToken(Float32Array.of(1, 3, 2), options).id, 1);
    assertEquals(drawToken(Float32Array.of(-1, 2, 2, 2), options).id, 1);
    assertEquals(drawToken(Float32Array.of(-Infinity, -5), options).id, 1);
    assertEquals(drawToken(Float32Array.of(0), options).id, 0);
  }
});

Deno.test("drawToken() with one token kept takes the likeliest at any temperature", () => {
  const [best] = ranked(LOGITS);
  for (const u of [0, 0.3, 1 - 2 ** -53]) {
    for (const sampling of [{ topK: 1 }, { topP: 1e-9 }, { topP: Number.MIN_VALUE }]) {
      assertEquals(drawToken(LOGITS, { temperature: 5, u, ...sampling }).id, best);
    }
  }
});

Deno.test("drawToken() takes any k from V up, and p = 1, as no limit", () => {
  for (let i = 0; i < 200; i++) {
    const u = (i + 0.5) / 200;
    const free = drawToken(LOGITS, { temperature: 1, u });
    for (const sampling of [{ topK: 40 }, { topK: 1000 }, { topK: 0 }, { topP: 1 }]) {
      assertEquals(drawToken(LOGITS, { temperature: 1, u, ...sampling }), free);
    }
  }
});

Deno.test("drawToken() keeps the lower of equal tokens, as many as were asked for", () => {
  const equal = new Float32Array(8).fill(0.25);
  const drawn = (sampling: Partial<Sampling>) =>
    new Set(
      Array.from({ length: 400 }, (_, i) =>
        drawToken(equal, { temperature: 1, u: (i + 0.5) / 400, ...sampling }).id),
    );
  assertEquals(drawn({}), new Set([0, 1, 2, 3, 4, 5, 6, 7]));
  assertEquals(drawn({ topK: 3 }), new Set([0, 1, 2]));
  // Four eighths are half to the bit; the smallest set that reaches it has four.
  assertEquals(drawn({ topP: 0.5 }), new Set([0, 1, 2, 3]));
  assertEquals(drawn({ topP: 0.51 }), new Set([0, 1, 2, 3, 4]));
  assertEquals(drawn({ topK: 4, topP: 0.5 }), new Set([0, 1]));
});

Deno.test("drawToken() gives every token its share of [0, 1), the ends included", () => {
  const even = Float32Array.of(0, 0, 0, 0);
  const ids = [0, 0.2499, 0.25, 0.5, 0.75, 1 - 2 ** -53].map((u) =>
    drawToken(even, { temperature: 1, u }).id
  );
  assertEquals(ids, [0, 0, 1, 2, 3, 3]);
  const masked = Float32Array.of(-Infinity, 0, -Infinity);
  for (const u of [0, 0.5, 1 - 2 ** -53]) {
    assertEquals(drawToken(masked, { temperature: 1, u }).id, 1);
  }
});

Deno.test("drawToken() with a penalty divides positive and multiplies negative logits once", () => {
  const logits = Float32Array.of(2, -1, 1.5, -0.75);
  const greedy = (penalty: number, seen: number[]) =>
    drawToken(logits, { temperature: 0, u: 0, penalty, seen }).id;
  assertEquals(greedy(1, [0]), 0);
  assertEquals(greedy(1.3, [0]), 0); // 2 / 1.3 is 1.54
  assertEquals(greedy(1.3, [0, 0, 0]), 0);
  assertEquals(greedy(1.4, [0]), 2);
  assertEquals(greedy(4, [0, 2]), 0);
  assertEquals(greedy(0.5, [2]), 2); // below 1 repetition is favoured
  const penalized = Float32Array.of(2 / 1.5, -1.5, 1.5, -0.75);
  const counts = Array.from(logits, () => 0);
  const key = rowKey(7, 0);
  for (let i = 0; i < DRAWS; i++) {
    const options = { temperature: 1, u: uniformAt(key, i), penalty: 1.5, seen: [0, 1] };
    const { id } = drawToken(logits, options);
    counts[id] = (counts[id] as number) + 1;
  }
  assertDrawnFrom(counts, softmax(penalized, {}));
});

Deno.test("drawToken() gives the log-probability under the softmax as it came", () => {
  const probabilities = softmax(LOGITS, {});
  for (let i = 0; i < 50; i++) {
    const sampling = { temperature: 0.5, topK: 10, topP: 0.9, penalty: 2, seen: [1, 2, 3] };
    const { id, logprob } = drawToken(LOGITS, { ...sampling, u: (i + 0.5) / 50 });
    assertAlmostEquals(logprob, Math.log(probabilities[id] as number), 1e-6);
  }
  const far = drawToken(Float32Array.of(1e4, 0), { temperature: 1, u: 0.5 });
  assertEquals(far, { id: 0, logprob: 0 });
});

Deno.test("drawToken() takes temperatures from hardly above zero to huge", () => {
  assertEquals(drawToken(LOGITS, { temperature: 5e-324, u: 0.99 }).id, ranked(LOGITS)[0]);
  assertDrawnFrom(countsOf(LOGITS, { temperature: 1e9 }), Array.from(LOGITS, () => 1 / 40));
});

Deno.test("drawToken() refuses logits that make no distribution", () => {
  for (
    const [logits, says] of [
      [[1, NaN, 2], "that of token 1 is NaN"],
      [[1, 2, Infinity], "that of token 2 is Infinity"],
      [[-Infinity, -Infinity], "all are -Infinity"],
    ] as const
  ) {
    for (const temperature of [0, 1]) {
      const refusal = assertThrows(
        () => drawToken(Float32Array.from(logits), { temperature, u: 0.5 }),
        UserError,
      );
      assertEquals(refusal.exit, "numerical");
      assertEquals(
        refusal.message,
        `Cannot draw a token: need logits that are numbers: ${says}`,
      );
    }
  }
});

Deno.test("drawToken() draws known tokens alone, and normalises over all", () => {
  const known = 30;
  const beginning = LOGITS.slice(0, known);
  const probabilities = softmax(LOGITS, {});
  const best = ranked(LOGITS)[0] as number;
  const padded = LOGITS.map((x, i) => i === known ? (LOGITS[best] as number) + 1 : x);
  for (
    const sampling of [{ temperature: 1 }, { temperature: 0.7, topP: 0.8 }, { temperature: 0 }]
  ) {
    for (let i = 0; i < 200; i++) {
      const options = { ...sampling, u: (i + 0.5) / 200 };
      const { id, logprob } = drawToken(LOGITS, { ...options, known });
      // The choice is that among the known tokens, whatever stands behind them.
      assertEquals(id, drawToken(beginning, options).id);
      assertEquals(id, drawToken(padded, { ...options, known }).id);
      assertAlmostEquals(logprob, Math.log(probabilities[id] as number), 1e-6);
    }
  }
});
