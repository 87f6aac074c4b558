/** A mixture of experts and the terms of its routers against PyTorch, and what a router chooses. */
import { assert, assertEquals } from "@std/assert";
import { expertRows, topK } from "../../kernels/routing/mod.ts";
import { softmax } from "../../kernels/softmax/mod.ts";
import { tolerance } from "../../src/testing/tolerance.ts";
import { openCpu } from "../../src/device/cpu.ts";
import { openReference } from "../../src/device/reference.ts";
import type { Device } from "../../src/device/types.ts";
import { newTrace } from "../../src/graph/trace.ts";
import type { Tensor } from "../../src/graph/types.ts";
import { mixtureOfExperts, routerTerms, type Routing } from "../../src/nn/experts.ts";
import { scaled } from "../../src/nn/layers.ts";
import { newScope } from "../../src/nn/scope.ts";
import { onDevice, sharedGpu } from "../support/gpu.ts";
import { gradientsOf, runTrace, weightedSum } from "../support/graph/run_trace.ts";

const gpu = sharedGpu();
const DEVICES: Readonly<Record<string, () => Promise<Device>>> = {
  "the reference": () => Promise.resolve(openReference()),
  "the CPU device": () => Promise.resolve(openCpu()),
  "the GPU": gpu,
};

type Name = "x" | "router" | "up" | "down";

interface Golden {
  readonly sizes: Readonly<Record<"rows" | "width" | "hidden" | "experts", number>>;
  readonly cases: Readonly<Record<string, GoldenCase>>;
}

interface GoldenCase {
  readonly chosen: number;
  readonly capacity_factor: number | null;
  readonly ids: readonly number[];
  readonly inputs: Readonly<Record<Name | "seed", readonly number[]>>;
  readonly y: readonly number[];
  readonly slopes: Readonly<Record<Name, readonly number[]>>;
  readonly terms: Readonly<Record<string, Slopes>>;
}

interface Slopes extends Readonly<Record<"x" | "router", readonly number[]>> {
  readonly value: number;
}

const PATH = new URL("../golden/experts/torch_experts.json", import.meta.url);
const { sizes, cases }: Golden = JSON.parse(await Deno.readTextFile(PATH));
/** Additions behind one value: of a row, of an expert's rows, of a softmax. */
const TERMS = 1024;

function assertNear(got: Float64Array | undefined, want: readonly number[], what: string): void {
  assertEquals(got?.length, want.length, what);
  const bound = tolerance(TERMS, want.reduce((most, v) => Math.max(most, Math.abs(v)), 1e-3));
  want.forEach((value, i) => {
    const error = Math.abs((got?.[i] as number) - value);
    assert(error <= bound, `${what} at ${i}: ${got?.[i]} instead of ${value}`);
  });
}

function valuesOf({ inputs: { x, router, up, down } }: GoldenCase) {
  return { x, "router.weight": router, "experts.up.weight": up, "experts.down.weight": down };
}

/** Traces a mixture over the golden x [R, D]. */
function traced({ chosen, capacity_factor: factor }: GoldenCase, training = true) {
  const { rows, width, hidden, experts } = sizes;
  const trace = newTrace();
  const { scope, params } = newScope(trace, { training });
  const x = trace.source({ shape: [rows, width], dtype: "f32" }, "batch", "x");
  const { y, routing } = mixtureOfExperts(scope, x, {
    experts,
    perToken: chosen,
    hidden,
    capacityFactor: factor ?? undefined,
  });
  const [router, up, down] = params.map(({ tensor }) => tensor) as [Tensor, Tensor, Tensor];
  return { x, y, routing, router, up, down };
}

/** The routing by other logits of the same rows. */
function routingOf(logits: Tensor, chosen: number): Routing {
  const probabilities = softmax(logits);
  const [ids] = topK(probabilities, { count: chosen });
  const { counts } = expertRows(ids, { experts: sizes.experts, tile: 6 });
  return { logits, probabilities, counts };
}

for (const [place, open] of Object.entries(DEVICES)) {
  for (const [name, test] of Object.entries(cases)) {
    Deno.test(
      onDevice(place, `a mixture of experts (${name}) equals PyTorch's on ${place}`),
      async () => {
        const { y, x, router, up, down } = traced(test);
        const wanted = { x, router, up, down };
        const loss = weightedSum([[y, test.inputs.seed]]);
        const results = { ...gradientsOf(loss, wanted), loss };
        const got = await runTrace(await open(), results, valuesOf(test));
        for (const [key, slope] of Object.entries(test.slopes)) assertNear(got[key], slope, key);
        const { y: again } = traced(test);
        assertNear((await runTrace(await open(), { y: again }, valuesOf(test)))["y"], test.y, "y");
      },
    );

    Deno.test(
      onDevice(place, `the terms of routers (${name}) equal PyTorch's on ${place}`),
      async () => {
        for (const [term, { value, ...slopes }] of Object.entries(test.terms)) {
          const { x, router, routing } = traced(test);
          const routings = [routing, routingOf(scaled(routing.logits, -2), test.chosen)];
          const sum = routerTerms(routings, { balance: 1, z: 1 })[term]?.sum as Tensor;
          const results = { ...gradientsOf(sum, { x, router }), sum };
          const got = await runTrace(await open(), results, valuesOf(test));
          assertNear(got["sum"], [value], term);
          for (const [key, slope] of Object.entries(slopes)) assertNear(got[key], slope, key);
        }
      },
    );
  }
}

Deno.test("a capacity leaves no token out unless the model trains", async () => {
  const { capacity: test } = cases as { readonly capacity: GoldenCase };
  const open = async (training: boolean, factor: number | null) => {
    const { y } = traced({ ...test, capacity_factor: factor }, training);
    return (await runTrace(openReference(), { y }, valuesOf(test)))["y"];
  };
  const whole = await open(true, null);
  assertEquals(await open(false, test.capacity_factor), whole);
  assert((await open(true, test.capacity_factor))?.some((value, i) => value !== whole?.[i]));
});

Deno.test("of equal probabilities the lower expert is chosen, and padding has no effect", async () => {
  const [rows, width] = [sizes.rows, sizes.width];
  const { one: test } = cases as { readonly one: GoldenCase };
  const { y, x, up, routing } = traced(test);
  const values = { ...valuesOf(test), "router.weight": new Array(width * sizes.experts).fill(0) };
  const results = {
    ...gradientsOf(weightedSum([[y, test.inputs.seed]]), { x, up }),
    y,
    counts: routing.counts,
  };
  const got = await runTrace(openCpu(), results, values);
  assertEquals([...got["counts"] ?? []], [rows, 0, 0, 0]);
  const slopes = got["up"] as Float64Array;
  const each = slopes.length / sizes.experts;
  assert(slopes.subarray(0, each).some((slope) => slope !== 0));
  assert(slopes.subarray(each).every((slope) => slope === 0));
});
