/** Types of plans: calls with buffer addresses, independent of the device. */
import type { Call, Role, Spec } from "../graph/types.ts";

/** One buffer. `local` and `const` slots belong to the plan; others are shared by name. */
export interface Slot {
  /** Name; plans with the same name share the buffer. */
  readonly name: string;
  /** Storage class. */
  readonly role: Role;
  /** Size in elements of 4 bytes. */
  readonly size: number;
}

/** A tensor's address in a plan. */
export interface Region extends Spec {
  /** Index into {@linkcode Plan.slots}. */
  readonly slot: number;
  /** Elements from the start of the slot. */
  readonly offset: number;
  /** Of a view: the region whose elements it reads under another shape. */
  readonly base?: Region;
}

/** An address by slot name. */
export interface SlotAddress {
  /** Name of the slot. */
  readonly slot: string;
  /** Storage class of the slot. */
  readonly role: Role;
  /** Elements from the start of the slot. */
  readonly offset: number;
}

/** A static list of calls over slots. */
export interface Plan {
  /** Buffers by index. */
  readonly slots: readonly Slot[];
  /** Calls in execution order. */
  readonly calls: readonly Call<Region>[];
  /** Sources and results by name. */
  readonly named: Readonly<Record<string, Region>>;
  /** Values that are written once, when the plan is loaded. */
  readonly constants: readonly { readonly region: Region; readonly data: Float32Array }[];
  /** Bytes of the local slots, and total bytes of the tensors that share them. */
  readonly pooled: { readonly bytes: number; readonly tensorBytes: number };
}
