/** Decides what `auto` is on this machine, before the processes that compute are started. */
import type { ChosenDevice } from "../../src/base/device_kinds.ts";
import { showCard } from "../../src/cards/card.ts";
import type { PinnedCard } from "../../src/cards/pin.ts";
import type { RunConfig } from "../../src/config/schema.ts";
import { isTaken } from "../../src/device/adapter.ts";
import { isOnlyAskedFor, selectBackend } from "../../src/device/backend.ts";
import { adapterHere, cardsFor, unseenCards } from "./cards.ts";

/** Where a run computes that says nothing of its device: the device, and the card of one worker. */
export async function autoPlace(
  warn: (text: string) => void,
): Promise<{ readonly kind: ChosenDevice["kind"]; readonly cards: readonly PinnedCard[] }> {
  const asked = { gpus: null, workers: 1 };
  const { kind } = await chooseDevice({ ...asked, device: { kind: "auto", checks: false } }, warn);
  return { kind, cards: await cardsFor({ ...asked, device: kind }, warn) };
}

/**
 * The device of a run: `auto` is WebGPU where the first adapter is that of a GPU, or where the run
 * names cards or the environment asks for OpenGL; else the CPU device. `warn` hears of GPUs that the
 * driver does not see.
 */
export async function chooseDevice(
  { device: { kind, checks }, gpus }: Pick<RunConfig, "device" | "gpus">,
  warn: (text: string) => void,
): Promise<ChosenDevice> {
  if (kind !== "auto") return { kind, checks };
  const backend = selectBackend();
  const isAsked = gpus !== null || isOnlyAskedFor(backend);
  if (isAsked || isTaken(await adapterHere(), backend)) return { kind: "webgpu", checks: false };
  const unseen = await unseenCards();
  if (unseen.length > 0) {
    warn(
      `Computing on the CPU: nvidia-smi lists ${unseen.map(showCard).join(", ")}, which Vulkan ` +
        "does not see; deno task doctor says what is missing",
    );
  }
  return { kind: "cpu", checks };
}
