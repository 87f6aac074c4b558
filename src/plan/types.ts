/** A plan: calls with addresses. It knows bytes and order, no device and no op by name. */
import type { Call, Role, Spec } from "../graph/types.ts";

/** One buffer. `local` slots belong to the plan; the others are shared by name between plans. */
export interface Slot {
  /** Name; shared slots meet by it. */
  readonly name: string;
  /** What the slot is for. */
  readonly role: Role;
  /** Size in elements of 4 bytes. */
  readonly size: number;
}

/** A tensor's place: `offset` in elements from the start of a slot. */
export interface Region extends Spec {
  /** Index into {@linkcode Plan.slots}. */
  readonly slot: number;
  /** Elements from the start of the slot. */
  readonly offset: number;
}

/** A place by the name of its slot, as layouts give it. */
export interface SlotAddress {
  /** Name of the slot. */
  readonly slot: string;
  /** What the slot is for. */
  readonly role: Role;
  /** Elements from the start of the slot. */
  readonly offset: number;
}

/** A static list of calls over slots. */
export interface Plan {
  /** Buffers, by number. */
  readonly slots: readonly Slot[];
  /** Calls in the order in which they run. */
  readonly calls: readonly Call<Region>[];
  /** Sources and results by name. */
  readonly named: Readonly<Record<string, Region>>;
  /** Values written once, when the plan is loaded. */
  readonly constants: readonly { readonly region: Region; readonly data: Float32Array }[];
  /** Bytes of the pool of local slots, and of the tensors that share it. */
  readonly pooled: { readonly bytes: number; readonly tensorBytes: number };
}
