/**
 * Entry of a worker process: takes its seat, connects to the coordinator and to its peers, and
 * trains until told to stop. It ends at once when stdin closes: its coordinator is gone.
 */
import { EXIT, Refusal } from "../src/base/refusal.ts";
import { openReference } from "../src/device/reference.ts";
import type { Device } from "../src/device/types.ts";
import { openWebGpu } from "../src/device/webgpu.ts";
import type { Channel } from "../src/transport/channel.ts";
import { admit, greet } from "../src/transport/handshake.ts";
import { dialUnix, listenUnix } from "../src/transport/unix.ts";
import { socketPath } from "./spawn.ts";
import type { Seating } from "./spawn.ts";
import { train } from "./trainer.ts";

/** Milliseconds in which the end of the coordinator is noticed after the failure that it causes. */
const PATIENCE = 500;

/** Opens the device that a config asks for; losing it while `serving` ends the process. */
async function openDevice(kind: string, serving: () => boolean): Promise<Device> {
  if (kind === "reference") return openReference();
  const device = await openWebGpu({ runtime: Deno.version.deno });
  device.lost.then((reason) =>
    // A device that is closed is lost as well: by the next turn it is known that it was meant.
    setTimeout(() => {
      if (!serving()) return;
      console.error(`The GPU was lost: ${reason}`);
      Deno.exit(EXIT.deviceLost);
    })
  );
  return device;
}

/** Reads the seating from the first line of stdin, and ends the process when stdin ends. */
async function takeSeat(): Promise<Seating> {
  const reader = Deno.stdin.readable.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.includes("\n")) {
    const { value, done } = await reader.read();
    if (done) throw new Error("Cannot take a seat: stdin ended before its line");
    text += value;
  }
  const seating: Seating = JSON.parse(text);
  reader.read().then(() => leave(seating));
  return seating;
}

/** Ends the process. A coordinator that was killed could not remove the folder of sockets. */
function leave({ folder }: Seating): never {
  try {
    Deno.removeSync(folder, { recursive: true });
  } catch {
    // The coordinator or another worker was faster.
  }
  Deno.exit(EXIT.done);
}

/** Connects to every peer: dials those of lower rank, is dialed by those of higher rank. */
async function connect({ folder, rank, world, attempt, token }: Seating): Promise<{
  coordinator: Channel;
  peers: (Channel | undefined)[];
}> {
  const secret = Uint8Array.from(atob(token), (c) => c.charCodeAt(0));
  const listener = await listenUnix(socketPath(folder, rank), { attempt });
  const coordinator = await dialUnix(socketPath(folder, "coordinator"), { attempt });
  await greet(coordinator, { rank, attempt }, { token: secret });
  const peers: (Channel | undefined)[] = new Array(world).fill(undefined);
  const dial = async (peer: number) => {
    const channel = await dialPatiently(socketPath(folder, peer), attempt);
    await greet(channel, { rank, attempt }, { token: secret });
    peers[peer] = channel;
  };
  const accept = async () => {
    for (let i = rank + 1; i < world; i++) {
      const channel = await listener.accept();
      const hello = await admit(channel, { token: secret });
      peers[hello.rank] = channel;
    }
  };
  await Promise.all([accept(), ...Array.from({ length: rank }, (_, peer) => dial(peer))]);
  listener.close();
  return { coordinator, peers };
}

/** Dials until the peer listens: workers start in any order. */
async function dialPatiently(path: string, attempt: number): Promise<Channel> {
  const until = performance.now() + 30_000;
  while (true) {
    try {
      return await dialUnix(path, { attempt });
    } catch (error) {
      if (performance.now() > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

if (import.meta.main) {
  // The terminal sends signals to the whole group: when to stop is the coordinator's to say.
  for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, () => {});
  let serving = true;
  try {
    const seating = await takeSeat();
    const { rank, world } = seating;
    const { coordinator, peers } = await connect(seating);
    await train(
      { rank, world, coordinator, peers },
      (kind) => openDevice(kind, () => serving),
    );
    Deno.exit(EXIT.done);
  } catch (error) {
    serving = false;
    // A refusal has reached the coordinator, which prints it once for all workers.
    if (error instanceof Refusal) Deno.exit(EXIT[error.exit]);
    // What failed may be that the others are gone: then stdin ends too, and this process with it.
    await new Promise((resolve) => setTimeout(resolve, PATIENCE));
    console.error(error instanceof Error ? error.message : error);
    Deno.exit(EXIT.bug);
  }
}
