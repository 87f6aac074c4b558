/** The table of simulated exchanges: workers by parameters, with what was assumed. */
import type { ExchangeWay } from "../../src/reduce/schema.ts";
import type { Filter } from "../filter.ts";
import type { Report } from "../report.ts";
import { fixed, percent } from "../table.ts";
import { LEAST_SPLIT } from "../../src/engine/piecewise/pieces.ts";
import { XEON } from "./machine.ts";
import { simulateStep } from "./simulate.ts";

const WORLDS = [1, 2, 4, 8, 16, 32, 64] as const;
const PARAMETERS = { "0.1M": 1.15e5, "10M": 1e7, "124M": 1.24e8, "350M": 3.5e8, "1.5B": 1.5e9 };
/** Pieces in which a gradient leaves where it overlaps with its computation. */
const PIECES = 8;
/** Tokens of each worker in a step, and FLOP per second of its card. */
const TOKENS = 16 * 1024;
const FLOPS = 30e12;
/** What two processes were measured to need for 100 MB, GB/s: bench/results/exchange_*. */
const MEASURED: Readonly<Record<ExchangeWay, number>> = { sockets: 1.1, file: 1.5, mmap: 6.3 };

/** Simulates rows whose names (`124M workers=8`) contain `filter`. */
export async function benchSimulate({ filter, doing }: Filter): Promise<Report> {
  const rows: string[][] = [];
  for (const [name, elements] of Object.entries(PARAMETERS)) {
    for (const workers of WORLDS) {
      const row = `${name} workers=${workers}`;
      if (!row.includes(filter)) continue;
      doing?.(row);
      rows.push([row, ...await rowOf(elements, workers)]);
    }
  }
  return {
    what: "simulate",
    sections: [{
      title: "A step of several workers, simulated",
      table: [[
        "parameters, workers",
        "compute ms",
        "file: visible ms",
        "efficiency",
        "mmap: visible ms",
        "efficiency",
        "in pieces: visible ms",
        "efficiency",
      ], ...rows],
      notes: [
        "real code: the reducers, their frames and chunks; 64 workers of one box are a thought " +
        "experiment",
        `assumed: ${TOKENS} tokens of each worker in a step, 6 FLOP per parameter and token at ` +
        `${FLOPS / 1e12} TFLOP/s (two fifths of the f32 peak of an H200), one card and one core ` +
        "for each worker",
        "visible: what a step takes beyond its computation, to read the gradient from the card, " +
        "exchange it, and write the sum to it; efficiency: compute by step",
        `in pieces: mmap, and ${PIECES} pieces that leave while the rest is computed`,
        `figures: a frame ${fixed(1e6 * XEON.frame)} us, file ${
          fixed(1e9 * XEON.put.file)
        } ns a byte to write ` +
        `and as much to read, sums ${XEON.sums / 1e9} G elements/s, memory ` +
        `${fixed(XEON.memory / 1e9)} GB/s for all workers, the card ` +
        `${fixed(1e-9 / XEON.read)} GB/s each way, all in the source`,
        "one machine: shared memory of 4 GiB bounds mmap to gradients of 1.4 GB with 8 workers",
      ],
    }, await comparison()],
  };
}

async function rowOf(elements: number, workers: number): Promise<string[]> {
  const compute = 6 * elements * TOKENS / FLOPS;
  if (workers === 1) return [fixed(1e3 * compute), "0", "100 %", "0", "100 %", "0", "100 %"];
  const cells = [fixed(1e3 * compute)];
  const split = elements < LEAST_SPLIT ? 1 : PIECES;
  for (const [way, pieces] of [["file", 1], ["mmap", 1], ["mmap", split]] as const) {
    const { visible, step } = await simulateStep({ workers, elements, way, compute, pieces });
    cells.push(fixed(1e3 * visible), percent(compute, step));
  }
  return cells;
}

/** Two workers without devices, beside what was measured. */
async function comparison() {
  const bytes = 1e8;
  const figures = { ...XEON, read: 0, write: 0 };
  const rows: string[][] = [];
  for (const way of ["sockets", "file", "mmap"] as const) {
    const { step } = await simulateStep({
      workers: 2,
      elements: bytes / 4,
      way,
      compute: 0,
      pieces: 1,
      figures,
    });
    rows.push([way, fixed(1e3 * step), fixed(bytes / step / 1e9), fixed(MEASURED[way])]);
  }
  return {
    title: "100 MB between two workers: simulated and measured",
    table: [["way", "ms", "GB/s per worker", "measured"], ...rows],
    notes: ["measured by deno task bench reduce on an idle machine"],
  };
}
