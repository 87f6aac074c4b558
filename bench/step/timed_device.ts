/**
 * A decorator of a device that measures the host's time: submitting work, writing, or waiting for
 * reads.
 */
import type { Device, Memory } from "../../src/device/types.ts";

/** Host seconds by kind, since the last reset. */
export interface HostTimes {
  /** Encoding and submitting passes and copies. */
  encode: number;
  /** Writing into buffers. */
  write: number;
  /** Waiting for reads, and copying them. */
  wait: number;
}

/** A wrapped device. */
export interface TimedDevice {
  readonly device: Device;
  readonly times: HostTimes;
  reset(): void;
  /** The memory that was created last, for programs that share it. */
  memory(): Memory;
}

/** Wraps a device. */
export function timeDevice(inner: Device): TimedDevice {
  const times: HostTimes = { encode: 0, write: 0, wait: 0 };
  const note = <T>(kind: keyof HostTimes, work: () => T): T => {
    const start = performance.now();
    try {
      return work();
    } finally {
      times[kind] += (performance.now() - start) / 1000;
    }
  };
  let last: Memory | undefined;
  const wrapped = new Map<Memory, Memory>();
  const device: Device = {
    target: inner.target,
    name: inner.name,
    bindingBytes: inner.bindingBytes,
    bufferBytes: inner.bufferBytes,
    lost: inner.lost,
    get shaders() {
      return inner.shaders;
    },
    close: () => inner.close(),
    memory: () => {
      const memory = inner.memory();
      last = memory;
      const outer: Memory = {
        write: (slot, data, offset) => note("write", () => memory.write(slot, data, offset)),
        read: async (stretches, into) => {
          const start = performance.now();
          const data = await memory.read(stretches, into);
          times.wait += (performance.now() - start) / 1000;
          return data;
        },
        stage: (slices) => memory.stage(slices),
        copy: (from, to, length) => note("encode", () => memory.copy(from, to, length)),
        ensure: (slot, size) => memory.ensure(slot, size),
      };
      wrapped.set(outer, memory);
      return outer;
    },
    expect: (plans) => inner.expect(plans),
    load: async (plan, memory) => {
      const program = await inner.load(plan, wrapped.get(memory) ?? memory);
      return { run: () => note("encode", () => program.run()) };
    },
  };
  return {
    device,
    times,
    reset: () => {
      times.encode = times.write = times.wait = 0;
    },
    memory: () => {
      if (last === undefined) throw new Error("Cannot share memory: none was made yet");
      return last;
    },
  };
}
