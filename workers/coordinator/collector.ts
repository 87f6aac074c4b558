/** Merges a checkpoint's state from the parts that workers send while training goes on. */
import { append } from "../../src/base/extremes.ts";
import type { RunConfig } from "../../src/config/schema.ts";
import { sizeOf } from "../../src/base/shape.ts";
import { stateVectors } from "../../src/optim/mod.ts";
import type { Answer } from "../group/link.ts";
import { floatsOf } from "../protocol/payload.ts";
import type { ReplicaLayout } from "../../src/engine/plans.ts";
import { mergeCarries, mergeState } from "../../src/engine/state.ts";
import type { CarryPart, NamedState, VectorPart } from "../../src/engine/state.ts";

/** The layout of the state that is collected. */
export interface CollectedState {
  readonly shape: Pick<ReplicaLayout, "layout" | "carries">;
  readonly config: Pick<RunConfig, "optim" | "micro_batches">;
}

/** The parts of one checkpoint as they arrive. */
export class Collector {
  readonly #whole: CollectedState;
  readonly #missing: Set<number>;
  readonly #parts: VectorPart[] = [];
  readonly #carries: CarryPart[] = [];
  readonly #done = Promise.withResolvers<NamedState | undefined>();

  /** Collects from the workers with these ids. */
  constructor(ids: readonly number[], whole: CollectedState) {
    this.#missing = new Set(ids);
    this.#whole = whole;
  }

  /** The state once all parts have arrived; undefined when some never will. */
  get state(): Promise<NamedState | undefined> {
    return this.#done.promise;
  }

  /** Ids of the workers whose parts are incomplete. */
  get missing(): readonly number[] {
    return Array.from(this.#missing);
  }

  /** Takes a part from worker `id`. */
  take(id: number, { reply, payload }: Answer<"part" | "lane" | "saved">): void {
    if (!this.#missing.has(id)) return;
    if (reply.type === "part") {
      const { vector, bucket, start } = reply;
      this.#parts.push({ vector, bucket, start, data: floatsOf(payload) });
    } else if (reply.type === "lane") {
      append(this.#carries, this.#lane(reply.index, floatsOf(payload)));
    } else {
      this.#missing.delete(id);
      if (this.#missing.size === 0) this.#finish();
    }
  }

  /** Gives up: the remaining parts will not arrive. */
  drop(): void {
    this.#missing.clear();
    this.#done.resolve(undefined);
  }

  /** Splits a lane's data, which holds all carries one after the other. */
  #lane(index: number, data: Float32Array): CarryPart[] {
    let at = 0;
    return this.#whole.shape.carries.map(({ name, tensor }) => {
      const size = sizeOf(tensor.shape);
      const part = { name, index, data: data.subarray(at, at + size) };
      at += size;
      return part;
    });
  }

  #finish(): void {
    const { shape: { layout, carries }, config } = this.#whole;
    try {
      const moments = stateVectors(config.optim).slice(1);
      const { model, optimizer } = mergeState(layout, { moments, parts: this.#parts });
      const lanes = { microBatches: config.micro_batches, parts: this.#carries };
      this.#done.resolve({
        model,
        optimizer: [...optimizer, ...mergeCarries(carries, lanes)],
      });
    } catch (error) {
      this.#done.reject(error);
    }
  }
}
