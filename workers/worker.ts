/**
 * Entry of a worker process: reads its worker slot from stdin, connects to the coordinator, and trains
 * until it is stopped. The end of stdin ends the process at once: its coordinator is gone.
 */
import { quietenLostConsole } from "../src/terminal/output.ts";
import { ignoreSignals, outliveFileLimit } from "../src/terminal/signals.ts";
import { EXIT, UserError } from "../src/base/user_error.ts";
import { warn } from "../src/base/text/say.ts";
import type { DeviceKind } from "../src/base/device_kinds.ts";
import { openDeviceOf } from "../src/device/open.ts";
import type { Backend } from "../src/device/backend.ts";
import type { CompileOptions, Device } from "../src/device/types.ts";
import { greet } from "../src/transport/handshake.ts";
import { dialUnix } from "../src/transport/unix.ts";
import { DIALED_MS, openMeeting } from "./trainer/meet.ts";
import { WorkerFaults } from "./faults/worker.ts";
import { reachable } from "./launch/socket_folder.ts";
import { socketPath } from "./launch/spawn.ts";
import type { WorkerStart } from "./launch/spawn.ts";
import { train } from "./trainer/trainer.ts";

/** Time in which the end of the coordinator is noticed after the failure that it causes, ms. */
const PATIENCE = 500;

/** Opens the device of an order; its loss ends the process while `serving()`. */
async function openDevice(
  kind: DeviceKind,
  { backend, pairs, compiling, serving }: {
    backend: Backend;
    pairs: boolean;
    compiling: CompileOptions;
    serving: () => boolean;
  },
): Promise<Device> {
  const device = await openDeviceOf(kind, {
    backend,
    pairs,
    compiling,
    runtime: Deno.version.deno,
  });
  device.lost.then((reason) =>
    // Closing a device also counts as a loss: by the next task `serving()` tells them apart.
    setTimeout(() => {
      if (!serving()) return;
      warn(`The GPU was lost: ${reason}`);
      Deno.exit(EXIT.deviceLost);
    })
  );
  return device;
}

/** Reads the first line of stdin, and ends the process when stdin ends. */
async function readStart(): Promise<WorkerStart> {
  const reader = Deno.stdin.readable.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.includes("\n")) {
    const { value, done } = await reader.read();
    if (done) throw new Error("Cannot take a worker slot: stdin ended before its line");
    text += value;
  }
  const start: WorkerStart = JSON.parse(text);
  reader.read().then(() => leave(start));
  return start;
}

/** Ends the process and removes the socket folder, which a killed coordinator could not. */
function leave({ folder }: WorkerStart): never {
  // All workers do this at the same moment: a file that another has just removed stops this one.
  for (let tries = 0; tries < 10; tries++) {
    try {
      Deno.removeSync(folder, { recursive: true });
      break;
    } catch {
      if (!isThere(folder)) break;
    }
  }
  Deno.exit(EXIT.done);
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, PATIENCE));
}

function isThere(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

/** Runs a worker to its end, then exits. */
export async function runWorker(): Promise<never> {
  // Signals reach the whole process group, but the coordinator decides when to stop.
  ignoreSignals();
  outliveFileLimit();
  quietenLostConsole();
  let serving = true;
  try {
    const start = await readStart();
    const { folder, id, workerId, backend, pairs } = start;
    const token = Uint8Array.fromBase64(start.token);
    const meet = await openMeeting({
      socket: (other) => socketPath(folder, other),
      workerId,
      token,
    });
    const channel = await dialUnix(socketPath(folder, "coordinator"), { attempt: 0 });
    await greet(channel, { rank: id, attempt: 0 }, { token, deadline: DIALED_MS });
    const faults = new WorkerFaults(channel);
    const end = await train(
      {
        index: workerId,
        coordinator: faults.channel,
        meet,
        folder,
        reachable: (path) => reachable(path, folder),
        points: faults,
      },
      faults.opening((kind, compiling) =>
        openDevice(kind, { backend, pairs, compiling, serving: () => serving })
      ),
    );
    serving = false;
    // Of a killed coordinator, stdin ends as well: leave() then removes the folder of the sockets.
    if (end === "gone") await pause();
    Deno.exit(EXIT.done);
  } catch (error) {
    serving = false;
    // A UserError has reached the coordinator, which prints it once for all workers.
    if (error instanceof UserError) Deno.exit(EXIT[error.exit]);
    // If the failure is that the coordinator is gone, stdin ends too, and this process with it.
    await pause();
    warn(error instanceof Error ? error.message : String(error));
    Deno.exit(EXIT.bug);
  }
}

if (import.meta.main) await runWorker();
