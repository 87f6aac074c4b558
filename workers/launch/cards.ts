/** Finds the cards of this machine, so that each worker gets its own. src/cards assigns and pins them. */
import { packageUrl } from "../../src/base/installed.ts";
import { UserError } from "../../src/base/user_error.ts";
import { type Card, joinCards, showCard } from "../../src/cards/card.ts";
import { chooseCards } from "../../src/cards/choose.ts";
import { keptOn } from "../../src/cards/keep.ts";
import {
  hasMesaList,
  NVIDIA_SMI_ARGS,
  parseMesaList,
  parseNvidiaSmi,
  parsePinned,
} from "../../src/cards/listings.ts";
import { type Pin, type PinnedCard, pinOf } from "../../src/cards/pin.ts";
import { BACKEND_VARIABLE, selectBackend, showBackend } from "../../src/device/backend.ts";
import { type ChosenDevice, isDriverless } from "../../src/base/device_kinds.ts";
import { CHILD, passedEnvironment } from "./spawn.ts";

/** The keys of a run that decide its cards. */
export interface CardsAsked {
  readonly gpus: string | null;
  /** Null: as many as there are cards, at most `micro_batches`. */
  readonly workers: number | null;
  readonly micro_batches?: number;
  readonly device: ChosenDevice["kind"];
}

/** The cards of a machine. */
export interface FoundCards {
  /** Cards that Vulkan lists, or nvidia-smi where Mesa's layer is missing. */
  readonly cards: readonly Card[];
  /** Cards that nvidia-smi lists and Vulkan does not. */
  readonly unseen: readonly Card[];
  /** Whether Mesa's device-select layer is installed: without it no card can be pinned. */
  readonly layer: boolean;
}

/** Variables by which users pin a process themselves; an empty one leaves it to the driver. */
const PINNED: readonly string[] = ["DRI_PRIME", "MESA_VK_DEVICE_SELECT"];
/** Limits the threads of a software driver. */
const THREADS = "LP_NUM_THREADS";
/** Default limit of workers that share a machine's cores: each holds all parameters. */
const MAX_ON_CORES = 8;
/** Variables that select drivers. */
const DRIVERS: readonly string[] = ["VK_DRIVER_FILES", "VK_ICD_FILENAMES"];
/** Files that exist where there is a card: nvidia-smi, and udev's entry of the first render node. */
export const TRACES: readonly string[] = [
  "/usr/bin/nvidia-smi",
  "/usr/local/bin/nvidia-smi",
  "/usr/local/nvidia/bin/nvidia-smi",
  "/run/udev/data/c226:128",
];
/** Time limit of a listing: a driver may hang. */
const TIMEOUT_MS = 20_000;

/**
 * A card for each worker slot of a run; none where all workers share the driver's first adapter: on
 * machines with software drivers only, and where a variable already pins all of them.
 * @throws {UserError} `config`, or `noDevice` where there are cards that cannot be pinned.
 */
export async function cardsFor(
  { gpus, workers, device, micro_batches = 1 }: CardsAsked,
  warn: (text: string) => void,
): Promise<readonly PinnedCard[]> {
  const visible = Deno.env.get("CUDA_VISIBLE_DEVICES");
  const pins = PINNED.map((name) => [name, Deno.env.get(name)] as const);
  const isPinned = pins.some(([, value]) => value !== undefined);
  if (isDriverless(device)) return [];
  const backend = selectBackend();
  if (backend === "gl") {
    const asked = `${BACKEND_VARIABLE} asks for ${showBackend(backend)}`;
    if (gpus !== null) {
      throw new UserError("config", `Cannot take --gpus=${gpus}: need Vulkan: ${asked}`);
    }
    warn(`${asked}: other bits than Vulkan's, one worker, and kernels that compile for minutes`);
    return [];
  }
  const [pinned] = pins.find(([, value]) => value) ?? [];
  if (pinned !== undefined && gpus !== null) {
    throw new UserError(
      "config",
      `Cannot take --gpus=${gpus}: ${pinned} pins this process: unset it`,
    );
  }
  if (gpus === null && (isPinned || !mayHaveCards())) return [];
  const { cards, unseen, layer } = await findCards();
  const chosen = chooseCards({ cards, asked: gpus, visible, workers: workers ?? 1 });
  if (unseen.length > 0 && !namesDrivers() && chosen.every(({ kind }) => kind === "software")) {
    const text =
      `nvidia-smi lists ${unseen.map(showCard).join(", ")}, which Vulkan does not see; ` +
      "deno task doctor says what is missing";
    if (gpus !== null) throw new UserError("noDevice", `Cannot take --gpus=${gpus}: ${text}`);
    warn(`Training on a software driver: ${text}`);
  }
  const workerIds = workers ?? Math.min(chosen.length, micro_batches);
  const support = { cards, layer, honorsPin: (card: Card) => honorsPin(card, cards) };
  const keep = (alone: boolean) => keptOn(chosen, { ...support, alone });
  if (gpus !== null) return await keep(false);
  try {
    return await keep(workerIds === 1);
  } catch (error) {
    if (workers !== null || !(error instanceof UserError)) throw error;
    warn(`Training with one worker: ${error.message}`);
    return (await keep(true)).slice(0, 1);
  }
}

/**
 * The default number of workers of a run: one for each of its cards. Where all share a software driver,
 * one for each core: a single worker leaves its cores idle a third of the time, between launches. One
 * where another driver may be in use, or where a variable limits the driver's threads.
 */
export async function defaultWorkers(
  { device, micro_batches }: Required<Pick<CardsAsked, "device" | "micro_batches">>,
  cards: readonly PinnedCard[],
): Promise<number> {
  if (cards.length > 0) return Math.min(cards.length, micro_batches);
  const equal = 2 ** Math.floor(Math.log2(navigator.hardwareConcurrency));
  const most = Math.min(equal, micro_batches, MAX_ON_CORES);
  const isSet = (name: string) => Deno.env.get(name) !== undefined;
  if (device === "cpu") return most;
  // The listing has only Vulkan's drivers.
  if (device !== "reference" && selectBackend() !== "vulkan") return 1;
  if (most === 1 || device === "reference" || [...PINNED, THREADS].some(isSet)) return 1;
  const found = await findCards();
  const isSoftware = found.layer && found.cards.length > 0 &&
    found.cards.every(({ kind }) => kind === "software");
  return isSoftware ? most : 1;
}

/** The cards of this machine. */
export async function findCards(): Promise<FoundCards> {
  const [nvidia, mesa] = await Promise.all([
    nvidiaSmi(),
    listing({ MESA_VK_DEVICE_SELECT: "list" }),
  ]);
  const layer = hasMesaList(mesa);
  const { cards, unseen } = joinCards(parseMesaList(mesa), parseNvidiaSmi(nvidia));
  return layer ? { cards, unseen, layer } : { cards: unseen, unseen: [], layer };
}

/** The name of the first adapter's card; undefined where there is none, or its driver fails. */
export async function adapterHere(): Promise<string | undefined> {
  const { stdout } = await enumerate({});
  return stdout.trim() || undefined;
}

/** Cards that nvidia-smi lists and Vulkan does not; none where the user names drivers. */
export async function unseenCards(): Promise<readonly Card[]> {
  if (namesDrivers() || !mayHaveCards()) return [];
  const { cards, unseen, layer } = await findCards();
  return layer ? unseen : cards;
}

/** A user who names drivers excludes the others on purpose. */
function namesDrivers(): boolean {
  return DRIVERS.some((name) => Deno.env.get(name) !== undefined);
}

/** Whether there may be a card other than a software driver; cheap. */
function mayHaveCards(): boolean {
  return TRACES.some((path) => {
    try {
      Deno.statSync(path);
      return true;
    } catch {
      return false;
    }
  });
}

/** Whether Mesa's layer selects the card that its variables name. */
export async function honorsPin(card: Card, cards: readonly Card[]): Promise<boolean> {
  const trace = await listing({ ...pinOf(card, cards), MESA_VK_DEVICE_SELECT_DEBUG: "1" });
  return parsePinned(trace) === card.address;
}

/** The stderr of drivers and layers when an adapter is requested; empty when they hang. */
async function listing(pin: Pin): Promise<string> {
  return (await enumerate(pin)).stderr;
}

/** The output of a process that requests an adapter; empty when the driver hangs. */
async function enumerate(pin: Pin): Promise<{ readonly stdout: string; readonly stderr: string }> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...CHILD,
      packageUrl("src/device/enumerate.ts").href,
    ],
    clearEnv: true,
    env: { NO_COLOR: "1", ...passedEnvironment(), ...pin },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const { stdout, stderr } = await child.output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { stdout: text(stdout), stderr: text(stderr) };
}

/** The list of nvidia-smi; empty where there is none. */
async function nvidiaSmi(): Promise<string> {
  try {
    const { stdout } = await new Deno.Command("nvidia-smi", {
      args: [...NVIDIA_SMI_ARGS],
      stdin: "null",
      stderr: "null",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    }).output();
    return new TextDecoder().decode(stdout);
  } catch {
    return ""; // not installed, or this process may not run it
  }
}
