/**
 * The WebAssembly kernel of a recurrence's backward pass: all time steps in one call, latest first.
 * A step of a stage is the derivative of its formula over all units, then the product of the gates'
 * gradients with the stage's weight, packed once. Letters as in recurrence_sizes.ts.
 */
import { pruneFormula } from "../../../src/graph/formula.ts";
import type { Io, Spec } from "../../../src/graph/types.ts";
import type { Body } from "../../../src/wasm/body.ts";
import type { KernelAreas, WasmKernel, WasmTarget } from "../../../src/wasm/kernel.ts";
import type { Area, V128 } from "../../../src/wasm/values.ts";
import { f32x4, v128 } from "../../../src/wasm/vectors.ts";
import { range } from "../../emit/range.ts";
import { sharesGateGradients, storedGradients } from "../cells_grad.ts";
import { printPack } from "./product.ts";
import type { RecurrenceBackwardAttrs, RecurrenceSizes } from "../recurrence_sizes.ts";
import { backwardIndices, orderOf, recurrenceSizes } from "../recurrence_sizes.ts";
import type { StageProduct } from "./stages.ts";
import { inputStreams, loadInput, printCell, printStageProduct, stageProducts } from "./stages.ts";
import type { Store, Stream, Streams, TimeTensor, Units } from "./units.ts";
import { pickStreams, printUnits, rowsAt, rowsAtStep, walkTime } from "./units.ts";

/** What the parts of a kernel are printed from. */
interface BackwardKernel extends RecurrenceSizes {
  readonly attrs: RecurrenceBackwardAttrs;
  readonly target: WasmTarget;
  readonly stages: readonly StageProduct[];
  readonly areas: KernelAreas;
}

/** The kernel of a call. */
export function recurrenceBackwardKernel(
  { inputs }: Io<Spec>,
  attrs: RecurrenceBackwardAttrs,
  target: WasmTarget,
): WasmKernel {
  const { cell } = attrs;
  const sizes = recurrenceSizes(inputs[0], inputs[1], attrs);
  const { hidden } = sizes;
  const { stages, bytes } = stageProducts(cell, { ...sizes, target }, ({ gates }) => ({
    depth: gates * hidden,
    columns: hidden,
  }));
  return {
    scratch: bytes,
    print: (b, areas) => printBackward(b, { ...sizes, attrs, target, stages, areas }),
  };
}

/** Tensors over time by stream name. */
function timeTensors(kernel: BackwardKernel): ReadonlyMap<string, TimeTensor> {
  const { attrs: { cell, flows }, areas: { inputs, outputs }, time, hidden, gates } = kernel;
  const indices = backwardIndices(cell, flows);
  const rows = (area: Area | undefined, width: number, steps = time): TimeTensor => ({
    area: area as Area,
    steps,
    width,
  });
  return new Map([
    ["xw", rows(inputs[0], gates * hidden)],
    ["rec", rows(inputs[2], gates * hidden)],
    ["h", rows(inputs[3], hidden)],
    ...range(cell.states).slice(1).map((k) =>
      [`over${k}`, {
        ...rows(inputs[indices.over(k)], hidden, time + 1),
        span: 2 * hidden,
      }] as const
    ),
    ["drec", rows(outputs[0], gates * hidden)],
    // The gradients before and after a step.
    ["dh", { ...rows(outputs[1], hidden, time + 1), span: 2 * hidden }],
    ...flows[0] ? [["dy", rows(inputs[indices.flow(0)], hidden)] as const] : [],
    ...sharesGateGradients(cell)
      ? []
      : [["dxw", rows(outputs[indices.dxw], gates * hidden)] as const],
  ]);
}

function printBackward(b: Body, kernel: BackwardKernel): void {
  const { attrs, areas, stages, target, batch, time, hidden } = kernel;
  const { cell, flows } = attrs;
  const { inputs, outputs, scratch } = areas;
  const indices = backwardIndices(cell, flows);
  const order = orderOf(time, attrs);
  const weight = inputs[1] as Area;
  for (const { first, packed, depth, columns, panel } of stages) {
    printPack(b, {
      packed: b.at(scratch, packed),
      weight: b.at(weight, 4 * first * hidden * hidden),
      bytes: { row: 4 * hidden },
      depth,
      columns,
      panel,
    });
  }
  const tensors = timeTensors(kernel);
  const state = (area: Area | undefined) => rowsAt(b.at(area as Area), hidden);
  const dstates = new Map(
    range(cell.states).map((k) => [`d${k}`, state(outputs[indices.dstate(k)])] as const),
  );
  const [first] = stages as [StageProduct, ...StageProduct[]];
  const product = rowsAt(b.at(scratch, first.product), first.width);
  const dh = (t: number) => rowsAtStep(b, tensors.get("dh") as TimeTensor, t);
  const over = (streams: Iterable<readonly [string, Stream]>, compute: (u: Units) => Store[]) =>
    printUnits(b, { rows: batch, units: hidden, streams: new Map(streams), target, compute });

  over([["to", product]], ({ at }) => [{ to: at("to"), value: v128.zero }]);
  range(cell.states).forEach((k) => {
    const to = k === 0 ? dh(order.last + order.after) : dstates.get(`d${k}`) as Stream;
    const from = flows[1 + k] ? state(inputs[indices.flow(1 + k)]) : undefined;
    over(
      [["to", to], ...from === undefined ? [] : [["from", from] as const]],
      ({ at, load }) => [
        { to: at("to"), value: from === undefined ? v128.zero : load(at("from")) },
      ],
    );
  });
  walkTime(b, {
    tensors,
    first: order.last,
    count: time,
    direction: order.direction === 1 ? -1 : 1,
  }, (streams) => {
    for (const stage of stages.toReversed()) {
      printStage(b, kernel, { stage, streams: new Map([...streams, ...dstates]) });
      printStageProduct(b, stage, kernel);
    }
  });
  const initial = [
    ["dh", dh(order.first + order.before)],
    ["product", product],
    ["to", dstates.get("d0") as Stream],
  ] as const;
  over(initial, ({ b, at, load }) => {
    const sum = b.let(f32x4.add(load(at("dh")), load(at("product"))));
    return [{ to: at("dh"), value: sum }, { to: at("to"), value: sum }];
  });
}

/** The derivative of a stage's formula for all units; stores gradients of gates and states. */
function printStage(
  b: Body,
  kernel: BackwardKernel,
  { stage, streams }: { readonly stage: StageProduct; readonly streams: Streams },
): void {
  const { attrs, areas: { scratch }, stages, target, batch, time, hidden, gates } = kernel;
  const { cell, flows } = attrs;
  const { states } = cell;
  const { before, after } = orderOf(time, attrs);
  const { live, formula } = storedGradients(cell, stage.stage);
  const { used } = pruneFormula(formula);
  const isLast = stage.stage === cell.stages.length - 1;
  const arriving = 2 * gates + states;
  const names = [
    ...inputStreams(cell, used.filter((i) => i < arriving)),
    "drec",
    "dh",
    ...live.some((i) => i < gates) ? ["dxw"] : [],
    ...isLast && flows[0] ? ["dy"] : [],
    ...range(states).slice(1).map((k) => `d${k}`),
  ];
  // The gradient of what the stage makes is the product of the stage that runs before it.
  const flow = (isLast ? stages[0] : stages[stage.stage + 1]) as StageProduct;
  const own: Streams = new Map([
    ...pickStreams(streams, names),
    ["flow", rowsAt(b.at(scratch, flow.product), flow.width)],
    ["gates", rowsAt(b.at(scratch, stage.source), stage.depth)],
  ]);
  const compute = (units: Units): Store[] => {
    const { b, at, load } = units;
    const dh = (row: number) => at("dh", row * hidden);
    const total = () => {
      const sum = f32x4.add(load(dh(after)), load(at("flow")));
      return b.let(flows[0] ? f32x4.add(sum, load(at("dy"))) : sum);
    };
    const next = isLast ? total() : load(at("flow"));
    const made = printCell(b, formula, (i) => {
      if (i < arriving) return loadInput(units, i, { gates, hidden, before });
      return i === arriving ? next : load(at(`d${i - arriving}`));
    });
    const place = (i: number) => {
      if (i < gates) return at("dxw", i * hidden);
      if (i < 2 * gates) return at("drec", (i - gates) * hidden);
      return i === 2 * gates ? dh(before) : at(`d${i - 2 * gates}`);
    };
    const values = new Map(live.map((i, k) => {
      const value = made[k] as V128;
      return [i, isLast ? value : b.let(f32x4.add(load(place(i)), value))];
    }));
    // The stage's product reads the gradients of its own gates, also those of later stages alone.
    const own = range(stage.gates).map((g): Store => {
      const i = gates + stage.first + g;
      return { to: at("gates", g * hidden), value: values.get(i) ?? load(place(i)) };
    });
    if (isLast && !values.has(2 * gates)) values.set(2 * gates, v128.zero);
    return [
      ...own,
      ...isLast ? [{ to: dh(after), value: next }] : [],
      ...Array.from(values, ([i, value]): Store => ({ to: place(i), value })),
    ];
  };
  printUnits(b, { rows: batch, units: hidden, streams: own, target, compute });
}
