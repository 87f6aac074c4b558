/**
 * Points between two sends of a worker, at which tests suspend or damage it. No decorator of its
 * channel or its device can do so there: the worker must go on receiving meanwhile.
 */
import type { Replica } from "../../src/engine/replica.ts";

/** A point of a worker's work. */
export type WorkPoint =
  /** A subtree of its micro-batches is computed. */
  | "forward"
  /** Its slice of the gradient is summed and not sent. */
  | "exchange"
  /** It has the whole gradient, before its vote. */
  | "summed"
  /** All votes are cast, before its update. */
  | "apply"
  /** Before its share of an evaluation. */
  | "evaluate"
  /** Before it sends a part of a snapshot. */
  | "save";

/** What happens at the points of a worker's work. */
export interface WorkPoints {
  /** Called before an order is carried out. */
  begin(order: object): void;
  /** Awaited at each point. */
  at(point: WorkPoint, replica: Replica): Promise<void>;
}

/** Nothing happens at any point. */
export const NO_POINTS: WorkPoints = { begin() {}, at: () => Promise.resolve() };
