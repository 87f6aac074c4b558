/** Derives findings from facts, each with one line that fixes it. Pure. */
import type { ExitName } from "../../base/user_error.ts";
import { showCard } from "../../cards/card.ts";
import { showBytes } from "../../report/format.ts";
import { isOpenGl } from "../../device/backend.ts";
import type { Facts, Look } from "./facts.ts";

/** Something to know. */
export interface Finding {
  /** An error stops a run; a warning costs speed, bits or cards; a note is as it should be. */
  readonly level: "error" | "warning" | "note";
  readonly what: string;
  readonly mend?: string;
  /** How a run would end; with errors only. */
  readonly exit?: ExitName;
}

/** Room below which checkpoints of small models do not fit, and that of large ones. */
const NO_ROOM = 2 ** 20;
const LITTLE_ROOM = 2 ** 30;
/** Bytes per second of a disk that makes training wait. */
const SLOW_DISK = 20e6;

/** All findings, errors first. */
export function judgeFacts(facts: Facts): Finding[] {
  const found = [
    ...permissions(facts),
    ...adapter(facts),
    ...cards(facts),
    ...ways(facts),
    ...runtime(facts),
  ];
  const order = ["error", "warning", "note"];
  return found.toSorted((a, b) => order.indexOf(a.level) - order.indexOf(b.level));
}

function permissions({ missing }: Facts): Finding[] {
  if (missing.length === 0) return [];
  return [{
    level: "error",
    what: `A run is not allowed to ${missing.join(", ")}`,
    mend: "start it by its task, which has the flags that it needs: deno task train",
    exit: "bug",
  }];
}

function adapter(facts: Facts): Finding[] {
  const { adapter: found, openGl, cards: { unseen } } = facts;
  if ("failure" in found) {
    const { message, exit } = found.failure;
    return [{
      ...takesCpu(facts) ? { level: "warning" } : { level: "error", exit },
      what: `The adapter cannot be used: ${message}`,
      mend: "install the newest driver of the card, or hide it: CUDA_VISIBLE_DEVICES=-1",
    }];
  }
  if (found.value === null) {
    const what = openGl === null
      ? "There is no WebGPU adapter"
      : `There is no WebGPU adapter but ${openGl}, which a run does not take unasked: other bits, ` +
        "one worker, and kernels that compile for minutes";
    if (takesCpu(facts)) return [{ level: "note", what: `${what}. Runs compute on the CPU` }];
    return [{
      level: "error",
      what,
      mend: unseen.length > 0
        ? NVIDIA_VULKAN
        : "compute by --device=cpu, or install a Vulkan driver",
      exit: "noDevice",
    }];
  }
  return [...openGlTaken(found.value), ...numerics(found.value)];
}

function takesCpu({ run }: Facts): boolean {
  return "value" in run && run.value.device === "cpu";
}

function openGlTaken({ name }: Look): Finding[] {
  if (!isOpenGl(name)) return [];
  return [{
    level: "warning",
    what: `${name} computes other bits than Vulkan's, and compiles kernels for minutes`,
    mend:
      "install a Vulkan driver (apt-get install mesa-vulkan-drivers) and unset DENO_WEBGPU_BACKEND",
  }];
}

const NVIDIA_VULKAN =
  "give Vulkan the driver: in a container set NVIDIA_DRIVER_CAPABILITIES=all, else install " +
  "libnvidia-gl of the driver's version and libvulkan1";

function numerics({ name, numerics: seen }: Look): Finding[] {
  const found: Finding[] = [];
  // Non-finite values are detected by their bits, so a driver that breaks x != x for NaN is fine.
  if (!seen.keepsNaN) {
    found.push({
      level: "warning",
      what: `${name} changes the bits of NaN: a training that diverges may be noticed late`,
      mend: "watch the loss: deno task train prints it, and metrics.jsonl keeps it",
    });
  }
  if (!seen.addsSubnormals) {
    found.push({
      level: "warning",
      what: `${name} takes sums below 1.2e-38 for 0, which this machine's CPU does not: bits may ` +
        "depend on the number of workers",
      mend: "compare runs of one number of workers only",
    });
  }
  return found;
}

function cards(facts: Facts): Finding[] {
  const { cards: { cards: all, unseen, layer, renderNode }, run } = facts;
  const real = all.filter(({ kind }) => kind !== "software");
  const found: Finding[] = [];
  if ("failure" in run) {
    const { message, exit } = run.failure;
    found.push({ level: "error", what: message, mend: "see the cards above", exit });
  }
  if (unseen.length > 0) {
    found.push({
      level: "warning",
      what: `nvidia-smi lists ${unseen.map(showCard).join(", ")}, which Vulkan does not see`,
      mend: NVIDIA_VULKAN,
    });
  } else if (real.length === 0 && renderNode) {
    found.push({
      level: "warning",
      what: "The system has a card, but Vulkan sees software drivers only",
      mend: "let this user reach it, and log in again: sudo usermod -aG render,video $USER",
    });
  } else if (real.length === 0 && all.length > 0) {
    found.push({ level: "note", what: "There is no GPU. Runs compute on the CPU" });
  } else if (all.length === 0 && !layer && !takesCpu(facts)) {
    found.push({
      level: "warning",
      what: "Vulkan's devices cannot be listed: workers cannot be kept on cards of their own",
      mend: "install Vulkan drivers with Mesa's layer: apt-get install mesa-vulkan-drivers",
    });
  }
  const lost = all.filter(({ heeded }) => heeded === false);
  if (real.length > 1 && (!layer || lost.length > 0)) {
    found.push({
      level: "warning",
      what: `Workers cannot be kept on cards of their own: ${
        layer ? `card ${lost.map(showCard).join(", ")} was not taken when asked for` : NO_LAYER
      }`,
      mend: "install Mesa 23.3 or later: apt-get install -t bookworm-backports mesa-vulkan-drivers",
    });
  }
  return found;
}

const NO_LAYER = "Mesa's device-select layer is not there";

function ways({ socket, shared, disk }: Facts): Finding[] {
  const found: Finding[] = [];
  if ("failure" in shared.file && !("failure" in socket)) {
    found.push({
      level: "warning",
      what:
        `Gradients travel through sockets, at a third of the pace: ${shared.file.failure.message}`,
      mend: "set TMPDIR to a folder with some MiB of room",
    });
  }
  if ("failure" in socket) {
    found.push({
      level: "error",
      what: `Workers cannot be reached: ${socket.failure.message}`,
      mend: "set TMPDIR to a short path of a folder that is yours, as TMPDIR=/tmp",
      exit: socket.failure.exit,
    });
  }
  if ("failure" in disk) {
    const { message, exit } = disk.failure;
    const mend = "choose another folder: --out=DIR";
    return [...found, { level: "error", what: `Nothing can be saved: ${message}`, mend, exit }];
  }
  const { folder, freeBytes, bytesPerSecond } = disk.value;
  if (freeBytes < LITTLE_ROOM) {
    const isFull = freeBytes < NO_ROOM;
    found.push({
      level: isFull ? "error" : "warning",
      what: `Only ${showBytes(freeBytes)} are free in ${folder}`,
      mend: "make room, or choose another folder: --out=DIR",
      ...isFull && { exit: "tooLarge" },
    });
  }
  if (bytesPerSecond < SLOW_DISK) {
    found.push({
      level: "warning",
      what: `${folder} takes ${showBytes(bytesPerSecond)}/s: checkpoints will be late`,
      mend: "choose a folder on another disk: --out=DIR",
    });
  }
  return found;
}

function runtime({ deno }: Facts): Finding[] {
  if (deno.tested) return [];
  return [{
    level: "warning",
    what: `Deno ${deno.version} was not tested: each read from the GPU waits 10 ms more with it`,
    mend: "take the version that was: npm install -g deno@2.9.6",
  }];
}

/** The exit of a run on this machine. */
export function exitOf(findings: readonly Finding[]): ExitName {
  return findings.find(({ level }) => level === "error")?.exit ?? "done";
}
