/** Handles the `setup` order: opens the device and the replica, and reports the worker's identity. */
import { withUserModules } from "../../src/config/user/user_modules.ts";
import { tokenizerFrom } from "../../src/data/tokenizers/mod.ts";
import { Replica } from "../../src/engine/replica.ts";
import { kernelClass } from "../../src/graph/target.ts";
import type { Order } from "../protocol/messages.ts";
import { wordsOf } from "../protocol/payload.ts";
import { readIdentity } from "../protocol/reading.ts";
import { receiveTexts } from "../../src/corpus/sent_texts.ts";
import { CarriedReplica } from "./carried_replica.ts";
import type { WorkerState } from "./worker_state.ts";

/** Sets the worker up, and replies `ready`. @throws {UserError} where the config does not fit here. */
export async function setUpWorker(
  worker: WorkerState,
  { config, device: kind, vocabulary, tokenizer, texts, trains }: Order & { type: "setup" },
  payload: Uint8Array,
): Promise<void> {
  const { options: { index, reachable }, heartbeat } = worker;
  await withUserModules(config);
  const device = await worker.openDevice(kind, {
    progress: (kernels) => heartbeat.moved({ of: "kernels", ...kernels }),
    share: { index, of: config.workers },
  });
  worker.device = device;
  const corpus = {
    texts: receiveTexts(texts, wordsOf(payload), reachable),
    vocabulary,
    tokenizer: tokenizer === null ? undefined : tokenizerFrom(tokenizer),
  };
  const replica = new Replica(device, { config, corpus });
  await replica.open({ trains });
  const read = readIdentity(config, { corpus, sent: texts, numbers: payload });
  const carried = new CarriedReplica(replica, config.micro_batches);
  worker.setUp({ replica, carried, exchange: config.exchange });
  await worker.reply({
    type: "ready",
    params: replica.parameters,
    ...device.mode !== undefined && { mode: device.mode },
    identity: {
      ...read,
      deno: Deno.version.deno,
      adapter: device.name,
      kernels: kernelClass(device.target),
      shaders: replica.shaders,
      probe: await replica.probe({ trains }),
    },
  });
}
