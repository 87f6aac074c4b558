/**
 * Bytes that a worker's plans take on its device, by what they are for, and the largest of its
 * buffers and bindings. It reads plans and loads none.
 */
import { sizeOf } from "../base/shape.ts";
import type { Plan } from "../plan/types.ts";

/** What a plan's own buffers are for. */
export type MemoryUse = "activations" | "evaluation" | "caches" | "batches";

/** A plan that a worker loads. */
export interface Loaded {
  readonly plan: Plan;
  readonly use: MemoryUse;
}

/** What a worker holds on its device: plans, and slots that no plan has. */
export interface Holdings {
  readonly plans: readonly Loaded[];
  /** Elements by name of slot. */
  readonly slots: Readonly<Record<string, number>>;
}

/** What bytes are for. */
export type MemoryRole =
  | MemoryUse
  | "parameters"
  | "gradient"
  | "tree_levels"
  | "moments"
  | "states";

/** What each role holds, in words; in the order in which they are shown. */
export const MEMORY_WORDS: Readonly<Record<MemoryRole, string>> = {
  parameters: "the model, each tensor aligned to 256 bytes",
  gradient: "of one micro-batch, then the sum",
  tree_levels: "finished subtrees of micro-batches, one vector per level",
  moments: "of the optimizer",
  activations: "the pool of the gradient plan: grows with micro_batch_size",
  evaluation: "the pool of the evaluation plan: grows with micro_batch_size",
  caches: "keys, values and pools of the samples",
  states: "what recurrent layers carry from step to step",
  batches: "tokens, scalars, and what the update needs on the way",
};

/** A buffer or a binding by its name. */
export interface Sized {
  readonly name: string;
  readonly bytes: number;
  readonly role: MemoryRole;
}

/** Bytes of a worker on its device. */
export interface MemoryBudget {
  readonly roles: Readonly<Record<MemoryRole, number>>;
  readonly total: number;
  readonly buffer: Sized;
  readonly binding: Sized;
}

/** First words of shared slots, and what they are for. */
const SHARED: readonly (readonly [RegExp, MemoryRole])[] = [
  [/^param\//, "parameters"],
  [/^grad\//, "gradient"],
  [/^tree\d+\//, "tree_levels"],
  [/^decode\//, "caches"],
  [/^(carried|lane\d+\.\d)\//, "states"],
];

/** Bytes per element: everything is f32 or u32. */
const BYTES = 4;

/** What a worker's plans and slots take. */
export function memoryOf({ plans, slots }: Holdings): MemoryBudget {
  const buffers = new Map<string, Sized>();
  const put = (key: string, { name, bytes, role }: Sized): void => {
    buffers.set(key, { name, role, bytes: Math.max(bytes, buffers.get(key)?.bytes ?? 0) });
  };
  for (const [name, size] of Object.entries(slots)) {
    put(name, { name, bytes: BYTES * size, role: sharedRole(name) });
  }
  plans.forEach(({ plan, use }, p) => {
    for (const { name, role, size } of plan.slots) {
      const own = role === "local" || role === "const";
      const shared = role === "carry" || role === "moment" ? ROLES[role] : "batches";
      put(own ? `${p} ${name}` : name, {
        name: own ? `${use} ${name}` : name,
        bytes: BYTES * size,
        role: own ? use : sharedRole(name, shared),
      });
    }
  });
  const all = Array.from(buffers.values());
  const roles = Object.fromEntries(Object.keys(MEMORY_WORDS).map((name) => [name, 0]));
  for (const { role, bytes } of all) roles[role] = (roles[role] as number) + bytes;
  return {
    roles: roles as Record<MemoryRole, number>,
    total: all.reduce((sum, { bytes }) => sum + bytes, 0),
    buffer: largest(all),
    binding: largest(plans.flatMap(bindingsOf)),
  };
}

const ROLES = { carry: "states", moment: "moments" } as const;

function sharedRole(name: string, otherwise: MemoryRole = "batches"): MemoryRole {
  return SHARED.find(([pattern]) => pattern.test(name))?.[1] ?? otherwise;
}

/** Every tensor that a call of a plan binds: one binding each. */
function bindingsOf({ plan, use }: Loaded): Sized[] {
  return plan.calls.flatMap(({ op, inputs, outputs }) =>
    [...inputs, ...outputs].map(({ slot, shape }) => {
      const { name, role } = plan.slots[slot] as Plan["slots"][number];
      const own = role === "local" || role === "const";
      return {
        name: own ? `${op.name} of the ${use}` : `${op.name} on ${name}`,
        bytes: BYTES * sizeOf(shape),
        role: own ? use : sharedRole(name, role === "moment" ? "moments" : "batches"),
      };
    })
  );
}

function largest(all: readonly Sized[]): Sized {
  const none: Sized = { name: "none", bytes: 0, role: "batches" };
  return all.reduce((best, each) => each.bytes > best.bytes ? each : best, none);
}
