/** A worker tells the end of its orders from the end of its coordinator. */
import { assertEquals } from "@std/assert";
import { openReference } from "../../../src/device/reference.ts";
import { memoryPair } from "../../../src/transport/memory.ts";
import { header } from "../../../workers/protocol/messages.ts";
import { train } from "../../../workers/trainer/trainer.ts";
import { soon } from "../../transport/wire.ts";

/** How a worker ends after `act` on the coordinator's end of its channel. */
async function endAfter(
  act: (ours: ReturnType<typeof memoryPair>[0]) => unknown,
): Promise<string> {
  const [ours, coordinator] = memoryPair({ attempt: 0 });
  const worker = train(
    { index: 0, coordinator, meet: () => Promise.resolve([undefined]) },
    () => Promise.resolve(openReference()),
  );
  await act(ours);
  try {
    return await soon(worker);
  } finally {
    ours.close();
  }
}

// Only a worker that was stopped leaves the folder of sockets to its coordinator.
Deno.test("a worker ends as stopped by an order, and as left behind by a closed channel", async () => {
  assertEquals(await endAfter((ours) => ours.send(header({ type: "stop" }))), "stopped");
  assertEquals(await endAfter((ours) => ours.close()), "gone");
});
