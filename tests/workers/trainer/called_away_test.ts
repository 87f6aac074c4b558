/** A worker that is ordered into another quorum while it is still busy with the last one. */
import { assertEquals } from "@std/assert";
import type { RunConfig } from "../../../src/config/schema.ts";
import { openReference } from "../../../src/device/reference.ts";
import type { Device } from "../../../src/device/types.ts";
import type { FencedChannel } from "../../../src/transport/channel.ts";
import { memoryPair } from "../../../src/transport/memory.ts";
import { Lobby } from "../../../workers/trainer/lobby.ts";
import { header } from "../../../workers/protocol/messages.ts";
import type { Order } from "../../../workers/protocol/messages.ts";
import { setUp } from "../../../workers/coordinator/setup.ts";
import { train } from "../../../workers/trainer/trainer.ts";
import { tinyConfig } from "../../support/gpt.ts";
import { letters } from "../../support/lockstep.ts";
import { tinyRecurrent } from "../../support/recurrent.ts";
import { soon } from "../../transport/wire.ts";

const LSTM = tinyRecurrent({
  data: { bptt: 8, validation: 0.5 },
  model: { kind: "recurrent", cell: "lstm" },
});

/** Long enough for a worker to begin an order. */
const BEGUN_MS = 30;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** A device whose reads take their time. */
function slow(ms: number): Device {
  const device = openReference();
  return {
    ...device,
    memory() {
      const memory = device.memory();
      const read = memory.read.bind(memory);
      memory.read = async (stretches) => {
        await pause(ms);
        return await read(stretches);
      };
      return memory;
    },
  };
}

/** The replies of a worker whose peers never come, to orders that end with a quorum of one. */
async function repliesOf(
  config: RunConfig,
  device: Device,
  worlds: readonly number[],
): Promise<string[]> {
  const [ours, coordinator] = memoryPair({ attempt: 0 });
  const lobby = new Lobby();
  const worker = train({
    index: 0,
    coordinator,
    meet: async ({ attempt, signal }) => [undefined, await lobby.meet(attempt, 1, signal)],
  }, () => Promise.resolve(device)).catch(() => {}); // it says so itself
  const [setup, tokens] = setUp(config, letters(config));
  const said: string[] = [];
  try {
    await ours.send(header(setup), tokens);
    said.push(await reply(ours));
    for (const [i, world] of worlds.entries()) {
      const members = Array.from({ length: world }, (_, workerId) => ({
        workerId,
        count: config.micro_batches / world,
        donor: -1,
      }));
      const form: Order = { type: "form", attempt: i + 1, rank: 0, members, step: 0 };
      const sent = ours.send(header(form));
      ours.attempt = form.attempt;
      await sent;
      if (world === 1) said.push(await reply(ours));
      else await pause(BEGUN_MS);
    }
  } finally {
    ours.close();
    await soon(worker);
  }
  return said;
}

/** The type of the next reply that is more than a sign of life. */
async function reply(channel: FencedChannel): Promise<string> {
  for (let beats = 0; beats < 4; beats++) {
    const frame = await soon(channel.receive());
    if (frame === undefined) return "the end";
    if (frame.header.type !== "beat") return frame.header.type;
  }
  return "nothing";
}

Deno.test("a worker that waits for others goes on with the next quorum", async () => {
  const said = await repliesOf(tinyConfig(), openReference(), [2, 2, 1, 2, 1]);
  assertEquals(said, ["ready", "formed", "formed"]);
});

Deno.test("a worker that reads its states back from the device skips a quorum that is over", async () => {
  // The second quorum is over before the worker has its states for it.
  const said = await repliesOf(LSTM, slow(2 * BEGUN_MS), [1, 2, 1]);
  assertEquals(said, ["ready", "formed", "formed"]);
});
