/**
 * Entry of a worker process: takes its worker slot, connects to the coordinator, and trains
 * until told to stop. It ends at once when stdin closes: its coordinator is gone.
 */
import { quietenLostConsole } from "../src/terminal/output.ts";
import { ignoreSignals, outliveFileLimit } from "../src/terminal/signals.ts";
import { EXIT, UserError } from "../src/base/user_error.ts";
import { warn } from "../src/base/text/say.ts";
import { openReference } from "../src/device/reference.ts";
import type { Backend } from "../src/device/backend.ts";
import type { CompileOptions, Device } from "../src/device/types.ts";
import { openWebGpu } from "../src/device/webgpu.ts";
import { greet } from "../src/transport/handshake.ts";
import { dialUnix } from "../src/transport/unix.ts";
import { DIALED_MS, openMeeting } from "./trainer/meet.ts";
import { reachable } from "./launch/socket_folder.ts";
import { socketPath } from "./launch/spawn.ts";
import type { WorkerStart } from "./launch/spawn.ts";
import { train } from "./trainer/trainer.ts";

/** Milliseconds in which the end of the coordinator is noticed after the failure that it causes. */
const PATIENCE = 500;

/** Opens the device that a config asks for; losing it while `serving` ends the process. */
async function openDevice(
  kind: string,
  { backend, compiling, serving }: {
    backend: Backend;
    compiling: CompileOptions;
    serving: () => boolean;
  },
): Promise<Device> {
  if (kind === "reference") return openReference();
  const device = await openWebGpu({ runtime: Deno.version.deno, backend, compiling });
  device.lost.then((reason) =>
    // A device that is closed is lost as well: by the next turn it is known that it was meant.
    setTimeout(() => {
      if (!serving()) return;
      warn(`The GPU was lost: ${reason}`);
      Deno.exit(EXIT.deviceLost);
    })
  );
  return device;
}

/** Reads the seating from the first line of stdin, and ends the process when stdin ends. */
async function takeSeat(): Promise<WorkerStart> {
  const reader = Deno.stdin.readable.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.includes("\n")) {
    const { value, done } = await reader.read();
    if (done) throw new Error("Cannot take a workerId: stdin ended before its line");
    text += value;
  }
  const seating: WorkerStart = JSON.parse(text);
  reader.read().then(() => leave(seating));
  return seating;
}

/** Ends the process. A coordinator that was killed could not remove the folder of sockets. */
function leave({ folder }: WorkerStart): never {
  // Others do the same at the same moment: what one of them has just removed stops this one.
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

function isThere(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

if (import.meta.main) {
  // Signals reach the whole process group: when to stop is the coordinator's to say.
  ignoreSignals();
  outliveFileLimit();
  quietenLostConsole();
  let serving = true;
  try {
    const seating = await takeSeat();
    const { folder, id, workerId, backend } = seating;
    const token = Uint8Array.fromBase64(seating.token);
    const meet = await openMeeting({
      socket: (other) => socketPath(folder, other),
      workerId,
      token,
    });
    const coordinator = await dialUnix(socketPath(folder, "coordinator"), { attempt: 0 });
    await greet(coordinator, { rank: id, attempt: 0 }, { token, deadline: DIALED_MS });
    const way = (path: string) => reachable(path, folder);
    await train(
      { index: workerId, coordinator, meet, reachable: way },
      (kind, compiling) => openDevice(kind, { backend, compiling, serving: () => serving }),
    );
    Deno.exit(EXIT.done);
  } catch (error) {
    serving = false;
    // A refusal has reached the coordinator, which prints it once for all workers.
    if (error instanceof UserError) Deno.exit(EXIT[error.exit]);
    // What failed may be that the others are gone: then stdin ends too, and this process with it.
    await new Promise((resolve) => setTimeout(resolve, PATIENCE));
    warn(error instanceof Error ? error.message : String(error));
    Deno.exit(EXIT.bug);
  }
}
