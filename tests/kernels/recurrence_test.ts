/** The recurrence: gradients, tiles, launches, and rejected arguments. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  CELL_FORMULAS,
  gru,
  gruBefore,
  lstm,
  recurrence,
  recurrenceBackwardOp,
  recurrenceOp,
  rnnTanh,
} from "../../kernels/recurrence/mod.ts";
import { sharesGateGradients } from "../../kernels/recurrence/cells_grad.ts";
import { range } from "../../kernels/emit/range.ts";
import { recurrenceCase } from "../../kernels/recurrence/recurrence_cases.ts";
import { sizeOf } from "../../src/base/shape.ts";
import { onGpu, sharedGpu } from "../support/gpu.ts";
import { applyAll, newTrace } from "../../src/graph/trace.ts";
import type { Case, Op, Spec, Target } from "../../src/graph/types.ts";
import { caseName, planOf, randomInputs } from "../../src/testing/cases.ts";
import { checkVjp } from "../support/graph/differences.ts";

/** B, T, H */
type Sizes = readonly [number, number, number];

const f32 = (...shape: number[]): Spec => ({ shape, dtype: "f32" });

const gpu = sharedGpu();

for (const cell of CELL_FORMULAS) {
  const inputs = range(3 + cell.states);
  const lasts = range(cell.states).map((k) => 1 + k);

  Deno.test(`the gradient of ${cell.name} matches differences, from y and from the last states`, async () => {
    for (const [i, sizes] of [[2, 1, 3], [3, 5, 4], [2, 12, 5]].entries()) {
      const test = recurrenceCase(cell, sizes as unknown as Sizes, { reverse: i === 1 });
      await checkVjp(recurrenceOp, test, { inputs, outputs: [0, ...lasts] });
    }
  });

  Deno.test(`the gradient of ${cell.name} matches differences if only some outputs are used`, async () => {
    const test = recurrenceCase(cell, [2, 5, 3]);
    await checkVjp(recurrenceOp, test, { inputs, outputs: [0] });
    for (const k of lasts) await checkVjp(recurrenceOp, test, { inputs, outputs: [k] });
  });
}

/** Outputs of a case by kernels for `target`. */
async function printedFor(target: Partial<Target>, op: Op, test: Case): Promise<Float32Array[]> {
  const device = await gpu();
  const turned: Op = {
    ...op,
    launch: (io, attrs, own) => op.launch(io, attrs, { ...own, ...target }),
  };
  const memory = device.memory();
  const program = await device.load(planOf(turned, test.inputs, test.attrs), memory);
  randomInputs(test).forEach(({ data }, i) => memory.write(`x${i}`, Float32Array.from(data)));
  program.run();
  const lengths = op.shape(test.inputs, test.attrs).map(({ shape }) => sizeOf(shape));
  return await Promise.all(
    lengths.map((length, k) => memory.read([{ slot: `y${k}`, offset: 0, length }])),
  );
}

for (const op of [recurrenceOp, recurrenceBackwardOp]) {
  Deno.test(onGpu(`${op.name}: the tiles of other targets are bitwise equal`), async () => {
    const chosen = CELL_FORMULAS.flatMap((cell) =>
      op.cases.filter(({ kind, attrs, inputs }) =>
        kind === "ragged" && attrs.cell === cell && inputs[0]?.shape[0] === 9
      )
    );
    assert(chosen.length >= CELL_FORMULAS.length);
    for (const test of chosen) {
      const got = await printedFor({ kind: "gpu", groups: 3 }, op, test);
      const want = await printedFor({}, op, test);
      want.forEach((values, k) => assertEquals(got[k], values, `${caseName(op, test)} ${k}`));
    }
  });
}

Deno.test("cells that only use x + r have one gradient for x and r gates", () => {
  assertEquals(CELL_FORMULAS.filter(sharesGateGradients).map(({ name }) => name), [
    "rnn_tanh",
    "rnn_relu",
    "lstm",
  ]);
});

Deno.test("a recurrence rejects gradients of its saved tensors", () => {
  const test = recurrenceCase(lstm, [2, 3, 4]);
  const trace = newTrace();
  const inputs = test.inputs.map((spec, i) => trace.source(spec, "batch", `x${i}`));
  const outputs = applyAll(recurrenceOp, inputs, test.attrs);
  for (const k of range(outputs.length).slice(3)) {
    const dout = outputs.map((t, i) => i === k ? t : undefined);
    assertThrows(
      () => recurrenceOp.vjp?.({ inputs, outputs }, dout, test.attrs),
      RangeError,
      "only y and last states",
    );
  }
});

Deno.test("a recurrence rejects tensors of wrong shapes by name", () => {
  const trace = newTrace();
  const source = (...shape: number[]) => trace.source(f32(...shape), "batch");
  const good = { weight: source(18, 6), bias: source(18), states: [source(2, 6)] };
  const xw = source(2, 5, 18);
  recurrence(xw, { cell: gru, ...good });
  const wrong = [
    [xw, { weight: source(18, 5) }, "weight must be [15, 5]: [18, 5]"],
    [source(2, 5, 12), {}, "xw must be [2, 5, 18]: [2, 5, 12]"],
    [xw, { bias: source(6) }, "bias must be [18]: [6]"],
    [xw, { states: [] }, "state 0 must be [2, 6]"],
    [xw, { states: [source(3, 6)] }, "state 0 must be [2, 6]: [3, 6]"],
    [source(2, 0, 18), {}, "no size may be 0"],
  ] as const;
  for (const [x, options, words] of wrong) {
    const all = { cell: gru, ...good, ...options };
    assertThrows(() => recurrence(x, all), RangeError, words);
  }
});

Deno.test("a recurrence takes one launch per step and stage, and two more", () => {
  for (const cell of [rnnTanh, gruBefore]) {
    for (const op of [recurrenceOp, recurrenceBackwardOp]) {
      const test = op.cases.find(({ inputs, attrs }) =>
        attrs.cell === cell && inputs[0]?.shape[1] === 12
      );
      assert(test !== undefined);
      const { inputs, attrs } = test;
      const target: Target = { kind: "cpu", workgroupBytes: 0, invocations: 256, groups: 65535 };
      const launches = op.launch({ inputs, outputs: op.shape(inputs, attrs) }, attrs, target);
      assertEquals(launches.length, 12 * cell.stages.length + 2);
      const kernels = new Set(launches.map(({ wgsl }) => wgsl)).size;
      assertEquals(kernels, cell.stages.length + 2, "all steps share their kernels");
    }
  }
});
