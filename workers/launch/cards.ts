/**
 * Looks for the cards of this machine, for each worker to get its own. Who gets which, and how it is
 * kept there, src/cards decides.
 */
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
import { CHILD, passedEnvironment } from "./spawn.ts";

/** What a run asks for. */
export interface CardsAsked {
  readonly gpus: string | null;
  /** Null where nobody said how many: as many as there are cards, at most `micro_batches`. */
  readonly workers: number | null;
  readonly micro_batches?: number;
  readonly device: "auto" | "webgpu" | "reference";
}

/** What was found on this machine. */
export interface FoundCards {
  /** What Vulkan sees, or nvidia-smi where Mesa's layer is not there to tell. */
  readonly cards: readonly Card[];
  /** What nvidia-smi lists and Vulkan does not see. */
  readonly unseen: readonly Card[];
  /** Whether Mesa's device-select layer is there, without which nothing can be pinned. */
  readonly layer: boolean;
}

/** Variables by which people pin a process themselves; one that is empty leaves it to the driver. */
const PINNED: readonly string[] = ["DRI_PRIME", "MESA_VK_DEVICE_SELECT"];
/** What bounds the threads of a software driver. */
const THREADS = "LP_NUM_THREADS";
/** Workers that share a machine's cores at most, unless told: each holds all parameters. */
const MOST_ON_CORES = 8;
/** Variables that hide drivers on purpose. */
const DRIVERS: readonly string[] = ["VK_DRIVER_FILES", "VK_ICD_FILENAMES"];
/** Where nvidia-smi is, and what udev knows of the first card that can compute. */
export const TRACES: readonly string[] = [
  "/usr/bin/nvidia-smi",
  "/usr/local/bin/nvidia-smi",
  "/usr/local/nvidia/bin/nvidia-smi",
  "/run/udev/data/c226:128",
];
/** Milliseconds that a listing may take: a driver that hangs is no reason to wait forever. */
const PATIENCE = 20_000;

/**
 * A card for each worker slot of a run; none where all workers share what the driver offers first: on
 * machines with software drivers alone, and where a variable pins all of them already.
 * @throws {UserError} `config`, or `noDevice` where cards are there that nothing can be pinned to.
 */
export async function cardsFor(
  { gpus, workers, device, micro_batches = 1 }: CardsAsked,
  warn: (text: string) => void,
): Promise<readonly PinnedCard[]> {
  const visible = Deno.env.get("CUDA_VISIBLE_DEVICES");
  const pins = PINNED.map((name) => [name, Deno.env.get(name)] as const);
  const isPinned = pins.some(([, value]) => value !== undefined);
  if (device === "reference") return [];
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
  // Whoever names drivers means to leave the others out.
  const isMeant = DRIVERS.some((name) => Deno.env.get(name) !== undefined);
  if (unseen.length > 0 && !isMeant && chosen.every(({ kind }) => kind === "software")) {
    const text =
      `nvidia-smi lists ${unseen.map(showCard).join(", ")}, which Vulkan does not see; ` +
      "deno task doctor says what is missing";
    if (gpus !== null) throw new UserError("noDevice", `Cannot take --gpus=${gpus}: ${text}`);
    warn(`Training on a software driver: ${text}`);
  }
  const workerIds = workers ?? Math.min(chosen.length, micro_batches);
  const heeds = (card: Card) => isHeeded(card, cards);
  const keep = (alone: boolean) => keptOn(chosen, { cards, layer, alone, heeds });
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
 * Workers of a run that nobody gave a number: one for each of its cards. Where all share a software
 * driver, one for each core, in equal shares: one alone loses a third of its cores' time between
 * launches. Where nothing tells that the driver is one, or people bound its threads themselves, one.
 */
export async function workersUnsaid(
  { device, micro_batches }: Required<Pick<CardsAsked, "device" | "micro_batches">>,
  cards: readonly PinnedCard[],
): Promise<number> {
  if (cards.length > 0) return Math.min(cards.length, micro_batches);
  const equal = 2 ** Math.floor(Math.log2(navigator.hardwareConcurrency));
  const most = Math.min(equal, micro_batches, MOST_ON_CORES);
  const isSet = (name: string) => Deno.env.get(name) !== undefined;
  // The listing tells of Vulkan's drivers alone.
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

/** Whether a card other than a software driver may be here; costs next to nothing. */
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

/** Whether the layer says that it takes the card that it is told to take. */
export async function isHeeded(card: Card, cards: readonly Card[]): Promise<boolean> {
  const trace = await listing({ ...pinOf(card, cards), MESA_VK_DEVICE_SELECT_DEBUG: "1" });
  return parsePinned(trace) === card.address;
}

/** What drivers and layers say on stderr when an adapter is asked for; empty when they hang. */
async function listing(pin: Pin): Promise<string> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...CHILD,
      new URL("../../src/device/enumerate.ts", import.meta.url).href,
    ],
    clearEnv: true,
    env: { NO_COLOR: "1", ...passedEnvironment(), ...pin },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
    signal: AbortSignal.timeout(PATIENCE),
  });
  return new TextDecoder().decode((await child.output()).stderr);
}

/** nvidia-smi's list; empty where there is none. */
async function nvidiaSmi(): Promise<string> {
  try {
    const { stdout } = await new Deno.Command("nvidia-smi", {
      args: [...NVIDIA_SMI_ARGS],
      stdin: "null",
      stderr: "null",
      signal: AbortSignal.timeout(PATIENCE),
    }).output();
    return new TextDecoder().decode(stdout);
  } catch {
    return ""; // It is not installed, or this process may not run it: Vulkan's list has to do.
  }
}
