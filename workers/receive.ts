/** What the coordinator makes of its workers' shares: one evaluation, one state. */
import type { RunConfig } from "../src/config/schema.ts";
import { optimizerOf } from "../src/optim/mod.ts";
import type { Inbox } from "./inbox.ts";
import { doublesOf, floatsOf } from "./payload.ts";
import type { Shape } from "./plans.ts";
import { mergeCarries, mergeState } from "./state.ts";
import type { CarryPart, NamedState, VectorPart } from "./state.ts";

/** Mean loss per counted target, and the share of targets that were met. */
export interface Evaluation {
  readonly loss: number;
  readonly accuracy: number;
}

/** Columns of a row: number of the sequence, its loss sum, its counted and its met targets. */
const COLUMNS = 4;

/** The evaluation that workers' shares make up, summed in the order of sequences. */
export function evaluationOf(payloads: readonly Uint8Array[]): Evaluation {
  const rows = payloads.flatMap((payload) => {
    const values = doublesOf(payload);
    const count = values.length / COLUMNS;
    return Array.from({ length: count }, (_, i) => values.slice(COLUMNS * i, COLUMNS * (i + 1)));
  }).sort((a, b) => (a[0] as number) - (b[0] as number));
  const total = (column: number) => rows.reduce((sum, row) => sum + (row[column] as number), 0);
  return { loss: total(1) / total(2), accuracy: total(3) / total(2) };
}

/** The state of a run, from the slices that all workers were ordered to send. */
export async function receiveState(
  workers: readonly Inbox[],
  { layout, carries, optim, micro_batches: microBatches }:
    & Pick<Shape, "layout" | "carries">
    & Pick<RunConfig, "optim" | "micro_batches">,
): Promise<NamedState> {
  const sent = await Promise.all(workers.map(slicesOf));
  const { moments } = optimizerOf(optim);
  const parts = sent.flatMap((s) => s.parts);
  const { model, optimizer } = mergeState(layout, { moments, parts });
  const carried = sent.flatMap((s) => s.carries);
  return {
    model,
    optimizer: [...optimizer, ...mergeCarries(carries, { microBatches, parts: carried })],
  };
}

/** What a worker sends of the state, until it says that it has sent all. */
async function slicesOf(worker: Inbox): Promise<{ parts: VectorPart[]; carries: CarryPart[] }> {
  const parts: VectorPart[] = [];
  const carries: CarryPart[] = [];
  while (true) {
    const { reply, payload } = await worker.expect("part", "carry", "saved");
    if (reply.type === "saved") return { parts, carries };
    const data = floatsOf(payload);
    if (reply.type === "carry") carries.push({ name: reply.name, index: reply.index, data });
    else parts.push({ vector: reply.vector, piece: reply.piece, start: reply.start, data });
  }
}
