/**
 * Compiles a graph to a plan: expands composed calls, removes dead calls, fuses epilogues,
 * recomputes cheap calls where that saves memory, and assigns buffers. Calls stay in the order of
 * the trace.
 */
import { sizeOf } from "../base/shape.ts";
import type { Call, Graph, Tensor } from "../graph/types.ts";
import { expand } from "./expand.ts";
import { fuse, prune } from "./fuse.ts";
import { rootsOf } from "./in_place.ts";
import type { Roots } from "./in_place.ts";
import { pack } from "./memory.ts";
import type { Lifetime } from "./memory.ts";
import { recompute } from "./recompute.ts";
import type { Plan, Region, Slot, SlotAddress } from "./types.ts";
import { viewsOf } from "./views.ts";
import type { Views } from "./views.ts";

/**
 * Buffer addresses of named tensors, and compile options. Tensors without one get their own slot.
 */
export interface Placement {
  /** Address of a source; undefined: a slot of its own. */
  readonly source?: (tensor: Tensor) => SlotAddress | undefined;
  /** Address of a result, by its name; undefined: a slot of its own. */
  readonly result?: (name: string) => SlotAddress | undefined;
  /** Sizes of shared slots in elements, by name. */
  readonly sizes?: Readonly<Record<string, number>>;
  /** False disables fusion and recomputation. */
  readonly fuse?: boolean;
  /** Smallest size in bytes of a tensor that is recomputed instead of kept; default: 16 MiB. */
  readonly recomputeAbove?: number;
}

/** Default of `recomputeAbove`: for smaller tensors recomputation costs more than it saves. */
const MIN_RECOMPUTE_BYTES = 16 * 1024 * 1024;

/**
 * Compiles a graph to a plan.
 * @throws {RangeError} when a call reads a tensor that an earlier call has overwritten, or one
 * tensor would have two addresses.
 */
export function compile(graph: Graph, placing: Placement = {}): Plan {
  const results = new Set(Object.values(graph.results));
  const pruned = prune({ ...graph, calls: expand(graph.calls) });
  if (placing.fuse === false) return place(graph, pruned, placing);
  const plan = place(graph, fuse(pruned, results), placing);
  const recomputed = recompute(pruned, results, {
    least: placing.recomputeAbove ?? MIN_RECOMPUTE_BYTES,
  });
  if (recomputed === undefined) return plan;
  const smaller = place(graph, fuse(recomputed, results), placing);
  return smaller.pooled.bytes < plan.pooled.bytes ? smaller : plan;
}

/** Assigns a slot and an offset to every tensor that calls read or write. */
function place(graph: Graph, all: readonly Call<Tensor>[], placing: Placement): Plan {
  const views = viewsOf(all, new Set(Object.values(graph.results)));
  const calls = all.filter(({ outputs: [first] }) => first === undefined || !views.has(first));
  const baseOf = (t: Tensor) => views.get(t) ?? t;
  const places = new Places(placing, { roots: rootsOf(calls), views });
  for (const [name, tensor] of Object.entries(graph.results)) places.result(name, tensor);
  const made = new Set(calls.flatMap((c) => c.outputs));
  for (const call of calls) {
    call.inputs.map(baseOf).filter((t) => !made.has(t)).forEach((t) => places.source(t));
  }
  const locals = lifetimes(calls, places);
  const pool = pack(locals.map((l) => l.life));
  const base = places.slots.length;
  locals.forEach(({ root }, i) => {
    places.put(root, { slot: base + (pool.slotOf[i] as number), offset: 0 });
  });
  pool.sizes.forEach((size, i) => {
    places.slots.push({ name: `local/${i}`, role: "local", size });
  });
  const used = new Set(calls.flatMap((c) => c.inputs.map(baseOf)));
  return {
    slots: places.slots,
    calls: calls.map((call) => ({
      op: call.op,
      attrs: call.attrs,
      inputs: call.inputs.map((t) => places.of(t)),
      outputs: call.outputs.map((t) => places.of(t)),
    })),
    named: places.named,
    constants: graph.constants.filter(({ tensor }) => used.has(tensor))
      .map(({ tensor, data }) => ({ region: places.of(tensor), data })),
    pooled: {
      bytes: 4 * pool.sizes.reduce((a, b) => a + b, 0),
      tensorBytes: 4 * locals.reduce((sum, l) => sum + l.life.size, 0),
    },
  };
}

/** An address by slot index. */
interface At {
  readonly slot: number;
  readonly offset: number;
}

/** Collects the slots and regions of a plan during compilation. */
class Places {
  readonly slots: Slot[] = [];
  readonly named: Record<string, Region> = {};
  /** Addresses of root tensors; views and tensors updated in place have that of their root. */
  readonly #at = new Map<Tensor, At>();
  readonly #regions = new Map<Tensor, Region>();
  readonly #roots: Roots;
  readonly #views: Views;
  readonly #placing: Placement;

  constructor(placing: Placement, { roots, views }: { roots: Roots; views: Views }) {
    this.#placing = placing;
    this.#roots = roots;
    this.#views = views;
  }

  rootOf(tensor: Tensor): Tensor {
    const base = this.#views.get(tensor) ?? tensor;
    return this.#roots.get(base) ?? base;
  }

  has(tensor: Tensor): boolean {
    return this.#at.has(this.rootOf(tensor));
  }

  of(tensor: Tensor): Region {
    const known = this.#regions.get(tensor);
    if (known !== undefined) return known;
    const at = this.#at.get(this.rootOf(tensor));
    if (at === undefined) {
      throw new RangeError(`Cannot place tensor ${tensor.id}: nothing makes it`);
    }
    const base = this.#views.get(tensor);
    const view = base === undefined ? {} : { base: this.of(base) };
    const region = { ...at, shape: tensor.shape, dtype: tensor.dtype, ...view };
    this.#regions.set(tensor, region);
    return region;
  }

  put(tensor: Tensor, at: At): Region {
    this.#at.set(this.rootOf(tensor), at);
    return this.of(tensor);
  }

  source(tensor: Tensor): void {
    if (this.#regions.has(tensor)) return;
    const name = tensor.name ?? `const/${tensor.id}`;
    if (this.has(tensor)) {
      throw new RangeError(`Cannot place ${name}: a result that updates it has a place`);
    }
    const place = this.#placing.source?.(tensor) ?? { slot: name, role: tensor.role, offset: 0 };
    this.named[name] = this.#into(tensor, place);
  }

  result(name: string, tensor: Tensor): void {
    const place = this.#placing.result?.(name) ?? { slot: name, role: "scalar", offset: 0 };
    if (this.has(tensor)) {
      throw new RangeError(`Cannot place result ${name}: its tensor has a place`);
    }
    this.named[name] = this.#into(tensor, place);
  }

  #into(tensor: Tensor, { slot, role, offset }: SlotAddress): Region {
    const known = this.slots.findIndex((s) => s.name === slot);
    const end = Math.max(offset + sizeOf(tensor.shape), this.#placing.sizes?.[slot] ?? 0);
    if (known < 0) this.slots.push({ name: slot, role, size: end });
    else {
      const before = this.slots[known] as Slot;
      if (end > before.size) this.slots[known] = { ...before, size: end };
    }
    return this.put(tensor, { slot: known < 0 ? this.slots.length - 1 : known, offset });
  }
}

/** Lifetimes of local tensors; an in-place update extends the lifetime of its root. */
function lifetimes(
  calls: readonly Call<Tensor>[],
  places: Places,
): { root: Tensor; life: Lifetime }[] {
  const lives = new Map<Tensor, Lifetime>();
  calls.forEach(({ inputs, outputs }, i) => {
    for (const t of [...outputs, ...inputs]) {
      if (places.has(t)) continue;
      const root = places.rootOf(t);
      const { size = sizeOf(t.shape), from = i } = lives.get(root) ?? {};
      lives.set(root, { size, from, to: i });
    }
  });
  return Array.from(lives, ([root, life]) => ({ root, life }));
}
