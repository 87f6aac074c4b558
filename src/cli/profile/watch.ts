/**
 * A device that notes what the host does and which passes follow from it. Plans run as they are, or
 * split: each call a pass of its own, on the same buffers. It does what the device inside it does.
 */
import type { Device, Memory, Program } from "../../device/types.ts";
import { now } from "../../measure/now.ts";
import type { Call } from "../../graph/types.ts";
import type { Plan, Region } from "../../plan/types.ts";

/** What the host does: queue passes, write, queue a copy, or wait for what it reads. */
export type HostKind = "encode" | "write" | "copy" | "wait";

/** A stretch of the host's time, in seconds of `performance.now()`. */
export interface HostEvent {
  readonly kind: HostKind;
  /** The plan that is queued, or the slot. */
  readonly name: string;
  readonly begin: number;
  readonly end: number;
}

/** A pass that was queued: a plan as a whole, or one of its calls. */
export interface QueuedPass {
  readonly plan: string;
  /** Number of the run of a plan that it belongs to. */
  readonly run: number;
  readonly call?: Call<Region>;
}

/** A device in its wrapping. */
export interface WatchedDevice {
  readonly device: Device;
  /** Since the last {@linkcode clear}. */
  readonly events: HostEvent[];
  readonly passes: QueuedPass[];
  /** Whether plans run split from now on. */
  split: boolean;
  clear(): void;
}

/** What a plan of a training step is for, by what it reads and writes. */
export function planName({ calls, slots }: Pick<Plan, "calls" | "slots">): string {
  const has = (role: string) => slots.some((slot) => slot.role === role);
  if (calls.some(({ op }) => op.name === "tree_add")) return "tree add";
  if (has("batch")) return "gradient";
  return has("moment") ? "update" : "inspect";
}

/** Wraps a device. */
export function watchDevice(inner: Device): WatchedDevice {
  const events: HostEvent[] = [];
  const passes: QueuedPass[] = [];
  const memories = new Map<Memory, Memory>();
  let plans = 0;
  let runs = 0;
  const note: Note = (event) => events.push(event);
  const watched: WatchedDevice = {
    split: false,
    events,
    passes,
    clear: () => {
      events.length = 0;
      passes.length = 0;
    },
    device: {
      target: inner.target,
      name: inner.name,
      bindingBytes: inner.bindingBytes,
      bufferBytes: inner.bufferBytes,
      lost: inner.lost,
      get shaders() {
        return inner.shaders;
      },
      close: () => inner.close(),
      memory() {
        const memory = inner.memory();
        const outer = watchMemory(memory, note);
        memories.set(outer, memory);
        return outer;
      },
      expect: (plans) => inner.expect(plans),
      async load(plan, memory): Promise<Program> {
        const own = memories.get(memory) ?? memory;
        const name = planName(plan);
        const shared = sharing(plan, `${name} ${plans++}/`);
        const whole = await inner.load(shared, own);
        const parts: Program[] = [];
        for (const call of shared.calls) {
          parts.push(await inner.load({ ...shared, calls: [call], constants: [] }, own));
        }
        return {
          run: () => {
            const run = runs++;
            during(note, { kind: "encode", name }, () => {
              if (!watched.split) {
                passes.push({ plan: name, run });
                return whole.run();
              }
              parts.forEach((part, i) => {
                passes.push({ plan: name, run, call: shared.calls[i] as Call<Region> });
                part.run();
              });
            });
          },
        };
      },
    },
  };
  return watched;
}

type Note = (event: HostEvent) => void;

/** Does `work` and notes when. */
function during(note: Note, { kind, name }: Pick<HostEvent, "kind" | "name">, work: () => void) {
  const begin = now();
  work();
  note({ kind, name, begin, end: now() });
}

function watchMemory(memory: Memory, note: Note): Memory {
  return {
    write: (slot, data, offset) =>
      during(note, { kind: "write", name: slot }, () => memory.write(slot, data, offset)),
    stage: (slices) => memory.stage(slices),
    copy: (from, to, length) =>
      during(note, { kind: "copy", name: from }, () => memory.copy(from, to, length)),
    ensure: (slot, size) => memory.ensure(slot, size),
    async read(stretches, into) {
      const begin = now();
      try {
        return await memory.read(stretches, into);
      } finally {
        note({ kind: "wait", name: stretches[0]?.slot ?? "", begin, end: now() });
      }
    },
  };
}

/** `plan` with slots of its own shared by name, so that programs of single calls can use them. */
function sharing(plan: Plan, prefix: string): Plan {
  const slots = plan.slots.map((slot) =>
    slot.role === "local" || slot.role === "const"
      ? { ...slot, name: prefix + slot.name, role: "scalar" as const }
      : slot
  );
  return { ...plan, slots };
}
