/**
 * Environment variables that pin a process to one card, read by Mesa's device-select layer for
 * every driver.
 */
import type { Card } from "./card.ts";

/** The variables of a pin. */
export type Pin = Readonly<Record<string, string>>;

/** A card with its pin, if one is needed. */
export interface PinnedCard extends Card {
  readonly pin?: Pin;
}

/**
 * The card of a worker slot. A slot beyond the last exists only briefly, while another worker
 * leaves; it then shares that worker's card.
 */
export function cardOf(cards: readonly PinnedCard[], workerId: number): PinnedCard | undefined {
  return cards.length === 0 ? undefined : cards[workerId % cards.length];
}

/**
 * The pin of a card among all cards of a machine; undefined if Vulkan does not report it. Vendor
 * and device id select a unique card in every version of the layer. Identical cards are selected by
 * PCI address, which needs Mesa 23.3 (`needsProof`).
 */
export function pinOf(card: Card, cards: readonly Card[]): Pin | undefined {
  const { id, address } = card;
  if (id === undefined) return undefined;
  if (!isAmbiguous(card, cards)) return { MESA_VK_DEVICE_SELECT: `${id}!` };
  return address === undefined ? undefined : { DRI_PRIME: `${tagOf(address)}!` };
}

/** Whether a card's pin must be tested because older layers ignore it. */
export function needsProof(card: Card, cards: readonly Card[]): boolean {
  return pinOf(card, cards)?.["DRI_PRIME"] !== undefined;
}

function isAmbiguous({ id, index }: Card, cards: readonly Card[]): boolean {
  return cards.some((other) => other.id === id && other.index !== index);
}

/** `0000:18:00.0` as udev and Mesa write it: `pci-0000_18_00_0`. */
function tagOf(address: string): string {
  return `pci-${address.replaceAll(/[:.]/g, "_")}`;
}
