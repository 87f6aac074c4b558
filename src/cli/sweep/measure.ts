/** Computes the sizes of trials; reads the data once and queries the limits of each device once. */
import { canonical } from "../../base/hash.ts";
import { UserError } from "../../base/user_error.ts";
import type { DeviceKind } from "../../base/device_kinds.ts";
import { isPipe } from "../../data/pipe.ts";
import { openDeviceOf } from "../../device/open.ts";
import type { Measure } from "../../sweep/types.ts";
import { measureSizes } from "./sizes.ts";
import { openRunStart } from "../../artifacts/run_start.ts";
import { type Data, requireTraining } from "../../corpus/data.ts";

/** What a device allows, in bytes. */
interface Allowed {
  readonly binding: number;
  readonly buffer: number;
  /** Whether it computes in this machine's memory. */
  readonly isHost: boolean;
}

/** A measure that remembers texts and devices, and the memory that trials share where it is known. */
export interface Measurer {
  readonly measure: Measure;
  /** Bytes of this machine, where all devices that were asked for compute in them; else null. */
  memory(): number | null;
}

/** A measure of trials. What it is asked throws {@linkcode UserError} where a trial cannot be. */
export function measurer(): Measurer {
  const texts = new Map<string, Promise<Data>>();
  const devices = new Map<DeviceKind, Promise<Allowed>>();
  let isHost = true;
  return {
    async measure(config) {
      const { data, init, micro_batches, micro_batch_size, device } = config;
      if (data.path !== null && await isPipe(data.path)) {
        throw new UserError(
          "config",
          `Cannot sweep: need a text file or a folder (data.path), which every trial reads: ` +
            `${data.path} is a pipe, which is read once`,
        );
      }
      const key = canonical({ data, init, micro_batches, micro_batch_size });
      const { corpus } = await once(texts, key, async () => (await openRunStart(config)).data);
      requireTraining(config, corpus);
      const allowed = await once(devices, device.kind, () => allowedBy(device.kind));
      isHost &&= allowed.isHost;
      return measureSizes(config, corpus.vocabulary, { ...allowed, workers: 1 });
    },
    memory: () => isHost && devices.size > 0 ? Deno.systemMemoryInfo().total : null,
  };
}

function once<K, V>(known: Map<K, Promise<V>>, key: K, make: () => Promise<V>): Promise<V> {
  const value = known.get(key) ?? make();
  known.set(key, value);
  return value;
}

async function allowedBy(kind: DeviceKind): Promise<Allowed> {
  const device = await openDeviceOf(kind, { runtime: Deno.version.deno });
  const { bindingBytes: binding, bufferBytes: buffer, target } = device;
  device.close();
  return { binding, buffer, isHost: target.kind === "cpu" };
}
