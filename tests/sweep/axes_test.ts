import { assert, assertEquals, assertThrows } from "@std/assert";
import { pointsOf } from "../../src/sweep/axes.ts";

const values = (name: string, axis: Parameters<typeof pointsOf>[1]) =>
  pointsOf(name, axis).map((point) => point[name]);

Deno.test("an axis is a list of values, each once", () => {
  assertEquals(values("model.layers", [1, 2, 2, 3]), [1, 2, 3]);
  assertEquals(values("model.cell", ["lstm", "gru"]), ["lstm", "gru"]);
  assertEquals(values("model", [{ kind: "gpt" }, { kind: "recurrent" }]), [
    { kind: "gpt" },
    { kind: "recurrent" },
  ]);
});

Deno.test("an axis of a free name has points that set several keys", () => {
  const points = [{ "model.layers": 1, "model.width": 8 }, { "model.layers": 2 }];
  assertEquals(pointsOf("size", points), points);
});

Deno.test("log and range are evenly spaced with both ends, and rounded where asked", () => {
  assertEquals(values("optim.lr", { log: [1e-3, 1e-1], count: 3 }), [1e-3, 1e-2, 1e-1]);
  assertEquals(values("optim.lr", { range: [0, 1], count: 5 }), [0, 0.25, 0.5, 0.75, 1]);
  assertEquals(values("optim.lr", { log: [0.5, 2], count: 1 }), [0.5]);
  assertEquals(values("model.width", { log: [10, 100], count: 4, round: 8 }), [8, 24, 48, 104]);
  // What rounds to the same value is one trial.
  assertEquals(values("model.layers", { range: [1, 3], count: 9, round: 1 }), [1, 2, 3]);
});

Deno.test("random values stay in their bounds; more draws leave the first ones as they are", () => {
  const draw = (count: number, seed = 0) =>
    values("optim.lr", { random: [1e-4, 1e-1], count, seed, log: true }) as number[];
  const many = draw(200);
  assertEquals(draw(20), many.slice(0, 20));
  assertEquals(new Set(many).size, 200);
  assert(many.every((value) => value >= 1e-4 && value < 1e-1));
  // By ratio: half of them below the geometric mean.
  const low = many.filter((value) => value < Math.sqrt(1e-5)).length;
  assert(low > 75 && low < 125, `${low} of 200`);
  assertEquals(draw(5, 1).some((value) => many.includes(value)), false);
});

Deno.test("draws set several keys, each by a stream of its own", () => {
  const draws = {
    "optim.lr": { in: [1, 2] as [number, number], log: false },
    "optim.eps": { in: [1, 2] as [number, number], log: false },
  };
  const points = pointsOf("search", { draws, count: 30, seed: 3 });
  assertEquals(points.length, 30);
  assertEquals(Object.keys(points[0] as object), ["optim.lr", "optim.eps"]);
  assert(points.every((point) => point["optim.lr"] !== point["optim.eps"]));
});

Deno.test("scales that end where they cannot are refused", () => {
  assertThrows(() => values("x", { log: [0, 1], count: 2 }), RangeError, "above 0: [0, 1]");
  assertThrows(() => values("x", { range: [2, 1], count: 2 }), RangeError, "[least, most]");
});
