/**
 * The WebAssembly kernel of a recurrence: all time steps in one call. Weights are packed once. A
 * step of a stage is a product of all rows, then the stage's formula over all units. States and
 * products of one step are in scratch, where rows are adjacent: rows of [B, T, H] are T H apart,
 * often a power of two, and would share a few sets of the cache. Letters as in recurrence_sizes.ts.
 */
import { pruneFormula } from "../../../src/graph/formula.ts";
import type { Io, Spec } from "../../../src/graph/types.ts";
import type { Body } from "../../../src/wasm/body.ts";
import type { KernelAreas, WasmKernel, WasmTarget } from "../../../src/wasm/kernel.ts";
import type { Area, V128 } from "../../../src/wasm/values.ts";
import { range } from "../../emit/range.ts";
import type { Stage } from "../cells.ts";
import { printPack } from "./product.ts";
import type { RecurrenceAttrs, RecurrenceSizes } from "../recurrence_sizes.ts";
import { forwardIndices, orderOf, recurrenceSizes } from "../recurrence_sizes.ts";
import type { StageProduct } from "./stages.ts";
import { inputStreams, loadInput, printCell, printStageProduct, stageProducts } from "./stages.ts";
import type { Store, Stream, Streams, TimeTensor } from "./units.ts";
import { pickStreams, printUnits, rowsAt, rowsAtStep, walkTime } from "./units.ts";

/** What the parts of a kernel are printed from. */
interface ForwardKernel extends RecurrenceSizes {
  readonly attrs: RecurrenceAttrs;
  readonly target: WasmTarget;
  readonly stages: readonly StageProduct[];
  readonly areas: KernelAreas;
}

/** The kernel of a call. */
export function recurrenceKernel(
  { inputs }: Io<Spec>,
  attrs: RecurrenceAttrs,
  target: WasmTarget,
): WasmKernel {
  const { cell } = attrs;
  const sizes = recurrenceSizes(inputs[0], inputs[1], attrs);
  const { hidden } = sizes;
  const { stages, bytes } = stageProducts(cell, { ...sizes, target }, ({ gates }) => ({
    depth: hidden,
    columns: gates * hidden,
  }));
  return {
    scratch: bytes,
    print: (b, areas) => printForward(b, { ...sizes, attrs, target, stages, areas }),
  };
}

/** Tensors over time by stream name. */
function timeTensors(kernel: ForwardKernel): ReadonlyMap<string, TimeTensor> {
  const { attrs: { cell }, areas, time, hidden, gates } = kernel;
  const indices = forwardIndices(cell);
  const output = (k: number) => areas.outputs[k] as Area;
  const rows = (area: Area, width: number, steps = time): TimeTensor => ({
    area,
    steps,
    width,
  });
  return new Map([
    ["xw", rows(areas.inputs[0] as Area, gates * hidden)],
    ["rec", rows(output(indices.rec), gates * hidden)],
    ["hprev", rows(output(indices.hprev), hidden)],
    ["y", rows(output(0), hidden)],
    ...range(cell.states).slice(1).map((k) =>
      // The states before and after a step.
      [`over${k}`, {
        ...rows(output(indices.over(k)), hidden, time + 1),
        span: 2 * hidden,
      }] as const
    ),
    ...range(cell.stages.length - 1).map((k) =>
      [`given${k}`, rows(output(indices.given(k)), hidden)] as const
    ),
  ]);
}

function printForward(b: Body, kernel: ForwardKernel): void {
  const { attrs, areas, stages, target, batch, time, hidden } = kernel;
  const { cell } = attrs;
  const indices = forwardIndices(cell);
  const order = orderOf(time, attrs);
  const [, weight, bias] = areas.inputs as [Area, Area, Area];
  for (const { first, packed, depth, columns, panel } of stages) {
    const row = first * hidden;
    printPack(b, {
      packed: b.at(areas.scratch, packed),
      weight: b.at(weight, 4 * row * hidden),
      bytes: { column: 4 * hidden },
      initial: b.at(bias, 4 * row),
      depth,
      columns,
      panel,
    });
  }
  const tensors = timeTensors(kernel);
  const h = rowsAt(b.at(areas.scratch, stages[0]?.source), hidden);
  const copy = (from: Stream, to: Stream) =>
    printUnits(b, {
      rows: batch,
      units: hidden,
      streams: new Map([["from", from], ["to", to]]),
      target,
      compute: ({ at, load }) => [{ to: at("to"), value: load(at("from")) }],
    });
  const state = (area: Area | undefined) => rowsAt(b.at(area as Area), hidden);
  const over = (k: number, t: number) => rowsAtStep(b, tensors.get(`over${k}`) as TimeTensor, t);
  range(cell.states).forEach((k) => {
    const to = k === 0 ? h : over(k, order.first + order.before);
    copy(state(areas.inputs[indices.state(k)]), to);
  });
  walkTime(b, { ...order, tensors, count: time }, (streams) => {
    for (const stage of stages) {
      printStageProduct(b, stage, kernel);
      printStage(b, kernel, { stage, streams });
    }
  });
  range(cell.states).forEach((k) => {
    const from = k === 0 ? h : over(k, order.last + order.after);
    copy(from, state(areas.outputs[indices.last(k)]));
  });
}

/** The formula of a stage for all units, from the stage's product; stores gates and states. */
function printStage(
  b: Body,
  kernel: ForwardKernel,
  { stage, streams }: { readonly stage: StageProduct; readonly streams: Streams },
): void {
  const { attrs, areas: { scratch }, stages, target, batch, time, hidden, gates } = kernel;
  const { cell } = attrs;
  const { before, after } = orderOf(time, attrs);
  const { formula } = cell.stages[stage.stage] as Stage;
  const { used } = pruneFormula(formula);
  const [isFirst, isLast] = [stage.stage === 0, stage.stage === cell.stages.length - 1];
  const next = isLast ? stages[0] : stages[stage.stage + 1];
  const names = [
    ...inputStreams(cell, used).filter((name) => name !== "h"),
    "rec",
    ...isFirst ? ["hprev"] : [],
    ...isLast ? ["y"] : [`given${stage.stage}`],
    ...isLast ? range(cell.states).slice(1).map((k) => `over${k}`) : [],
  ];
  const local = (at: number | undefined, width: number) => rowsAt(b.at(scratch, at), width);
  const own: Streams = new Map([
    ...pickStreams(streams, names),
    ["product", local(stage.product, stage.width)],
    ["h", local(stages[0]?.source, hidden)],
    ...isLast ? [] : [["next", local(next?.source, hidden)] as const],
  ]);
  printUnits(b, {
    rows: batch,
    units: hidden,
    streams: own,
    target,
    compute: (units) => {
      const { b, at, load } = units;
      const r = range(stage.gates).map((g) => load(at("product", g * hidden)));
      const h = load(at("h"));
      const [made, ...others] = printCell(b, formula, (i) => {
        const product = i < 2 * gates ? r[i - gates - stage.first] : undefined;
        return product ?? (i === 2 * gates ? h : loadInput(units, i, { gates, hidden, before }));
      });
      const value = made as V128;
      return [
        ...r.map((value, g): Store => ({ to: at("rec", (stage.first + g) * hidden), value })),
        ...isFirst ? [{ to: at("hprev"), value: h }] : [],
        { to: at(isLast ? "y" : `given${stage.stage}`), value },
        { to: at(isLast ? "h" : "next"), value },
        ...others.map((value, k): Store => ({ to: at(`over${k + 1}`, after * hidden), value })),
      ];
    },
  });
}
