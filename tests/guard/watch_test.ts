/** Spikes of the loss and the gradient norm. */
import { assert, assertAlmostEquals, assertEquals, assertLess } from "@std/assert";
import { normals, rootKey } from "../../src/base/random.ts";
import type { Alarm, Watched, WatchOptions } from "../../src/guard/watch.ts";
import { FRESH, watch } from "../../src/guard/watch.ts";

/** Alarms of a series, each with its step. */
function alarmsOf(series: readonly Watched[], options: WatchOptions): (Alarm & { step: number })[] {
  let state = FRESH;
  return series.flatMap((values, step) => {
    const seen = watch(state, values, options);
    state = seen.state;
    return seen.alarms.map((alarm) => ({ ...alarm, step }));
  });
}

/** A loss that falls from 4 to 2 with noise, and norms about 1. */
function training(steps: number): Watched[] {
  const [a, b] = [normals(rootKey(1), steps), normals(rootKey(2), steps)];
  return Array.from({ length: steps }, (_, i) => ({
    loss: 2 + 2 * Math.exp(-i / 500) + 0.05 * (a[i] as number),
    norm: 1 + 0.1 * (b[i] as number),
  }));
}

Deno.test("noise raises no alarm at 8 deviations, and one in a thousand values at most at 4", () => {
  const series = training(20_000);
  assertEquals(alarmsOf(series, { threshold: 8 }), []);
  assertLess(alarmsOf(series, { threshold: 4 }).length, 40);
  // The detector does react: about one value in 40 lies above 2.
  assert(alarmsOf(series, { threshold: 2 }).length > 400);
});

Deno.test("a spike raises one alarm with its value and z-score", () => {
  const series = training(1000);
  series[500] = { loss: 4.5, norm: 1 };
  series[510] = { loss: 2.7, norm: 30 };
  series[520] = { loss: 4.5, norm: 1 };
  const alarms = alarmsOf(series, { threshold: 8 });
  assertEquals(alarms.map(({ step, what, value }) => [step, what, value]), [
    [500, "loss", 4.5],
    [510, "norm", 30],
    [520, "loss", 4.5],
  ]);
  for (const { z } of alarms) assert(z > 8 && Number.isFinite(z), `${z}`);
});

Deno.test("a value that is not finite is a spike, and does not affect the mean", () => {
  const series = training(400);
  for (const bad of [NaN, Infinity]) {
    const broken = series.with(200, { loss: bad, norm: 1 });
    assertEquals(alarmsOf(broken, { threshold: 8 }), [
      { what: "loss", value: bad, z: Infinity, step: 200 },
    ]);
  }
});

Deno.test("a persistent level becomes the new mean", () => {
  const series = training(2000).map(({ loss, norm }, i) => ({
    loss,
    norm: i < 500 ? norm : 9 * norm,
  }));
  const alarms = alarmsOf(series, { threshold: 8 });
  assertEquals(alarms[0]?.step, 500);
  assertLess(alarms.at(-1)?.step ?? 0, 600);
});

Deno.test("a fall is no spike", () => {
  const series = training(300).map(({ loss, norm }, i) => ({ loss: i < 200 ? loss : 0.01, norm }));
  assertEquals(alarmsOf(series, { threshold: 8 }), []);
});

Deno.test("there are no alarms during warm-up, nor with threshold 0", () => {
  const series = Array.from({ length: 30 }, (_, i) => ({ loss: i % 7 === 6 ? 1e6 : 1, norm: 1 }));
  assertEquals(alarmsOf(series, { threshold: 8, warmup: 30 }), []);
  assertEquals(alarmsOf(training(100).with(80, { loss: 1e6, norm: NaN }), { threshold: 0 }), []);
  const late = training(52).with(50, { loss: 1e6, norm: 1 });
  assertEquals(alarmsOf(late, { threshold: 8 }).map(({ step }) => step), [50]);
  assertEquals(alarmsOf(late, { threshold: 8, warmup: 51 }), []);
});

Deno.test("a constant series has a minimum deviation", () => {
  const even = Array.from({ length: 200 }, () => ({ loss: 2, norm: 1 }));
  assertEquals(alarmsOf(even.with(100, { loss: 2.1, norm: 1.05 }), { threshold: 8 }), []);
  const jump = alarmsOf(even.with(100, { loss: 2.4, norm: 1 }), { threshold: 8 });
  assertEquals(jump.map(({ what }) => what), ["loss"]);
});

Deno.test("mean and variance are unweighted for the first values", () => {
  const values = [1, 4, 2, 8, 5, 7];
  let state = FRESH;
  for (const v of values) {
    state = watch(state, { loss: v, norm: 0 }, { threshold: 8 }).state;
  }
  const mean = values.reduce((a, b) => a + b) / values.length;
  const variance = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length;
  assertAlmostEquals(state.loss.mean, mean, 1e-12);
  assertAlmostEquals(state.loss.variance, variance, 1e-12);
  assertEquals(state.norm, { mean: 0, variance: 0 });
});
