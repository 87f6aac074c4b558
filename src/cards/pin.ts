/**
 * Variables that let a process see one card first, and no other where the layer can hide them.
 * Mesa's device-select layer reads them, whichever driver the card has.
 */
import type { Card } from "./card.ts";

/** How a card is named to the layer. */
export type Pin = Readonly<Record<string, string>>;

/** A card with the pin that keeps a process on it, where one is needed. */
export interface PinnedCard extends Card {
  readonly pin?: Pin;
}

/**
 * The card of a worker slot. A worker slot beyond the last is taken for a moment only, while the worker that had
 * one of them leaves: it then shares a card until that one is gone.
 */
export function cardOf(cards: readonly PinnedCard[], workerId: number): PinnedCard | undefined {
  return cards.length === 0 ? undefined : cards[workerId % cards.length];
}

/**
 * The pin of a card among all of its machine; undefined where Vulkan did not name it. Vendor and
 * device name a card that has no twin, in every version of the layer. Twins are told apart by their
 * PCI address, which versions before Mesa 23.3 do not do (`needsProof`).
 */
export function pinOf(card: Card, cards: readonly Card[]): Pin | undefined {
  const { id, address } = card;
  if (id === undefined) return undefined;
  if (!hasTwin(card, cards)) return { MESA_VK_DEVICE_SELECT: `${id}!` };
  return address === undefined ? undefined : { DRI_PRIME: `${tagOf(address)}!` };
}

/** Whether the layer must be seen to heed the pin of a card before it is trusted. */
export function needsProof(card: Card, cards: readonly Card[]): boolean {
  return pinOf(card, cards)?.["DRI_PRIME"] !== undefined;
}

function hasTwin({ id, index }: Card, cards: readonly Card[]): boolean {
  return cards.some((other) => other.id === id && other.index !== index);
}

/** `0000:18:00.0` as udev and Mesa write it: `pci-0000_18_00_0`. */
function tagOf(address: string): string {
  return `pci-${address.replaceAll(/[:.]/g, "_")}`;
}
