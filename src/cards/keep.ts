/**
 * How workers are kept on the cards that were chosen for them, as far as this machine can. Whether a
 * pin is heeded it is told.
 */
import { UserError } from "../base/user_error.ts";
import { type Card, showCard } from "./card.ts";
import { needsProof, type PinnedCard, pinOf } from "./pin.ts";

/** What can be done on a machine. */
export interface PinSupport {
  /** All its cards. */
  readonly cards: readonly Card[];
  /** Mesa's device-select layer is there. */
  readonly layer: boolean;
  /** There is one worker, and nobody said on which card it is to be. */
  readonly alone: boolean;
  /** Whether the layer takes the card that it is told to take. */
  readonly heeds: (card: Card) => Promise<boolean>;
}

/**
 * The chosen cards with pins that are heeded. The only card that there is needs none, and a worker
 * alone may be on any of several twins. @throws {UserError} `noDevice`.
 */
export async function keptOn(chosen: readonly Card[], means: PinSupport): Promise<PinnedCard[]> {
  const { cards, layer, alone, heeds } = means;
  const [first] = chosen;
  if (first === undefined || (!layer && cards.length === 1)) return [...chosen];
  if (!layer) {
    if (alone) return [anyOf(first)];
    throw cannotKeep(first, "there is none");
  }
  // One layer serves all cards: what it does with the first it does with each.
  if (needsProof(first, cards) && !await heeds(first)) {
    const { id } = first;
    if (alone && id !== undefined) return [{ ...anyOf(first), pin: { MESA_VK_DEVICE_SELECT: id } }];
    throw cannotKeep(first, "this one takes another card");
  }
  return chosen.map((card) => {
    const pin = pinOf(card, cards);
    return { ...card, ...pin !== undefined && { pin } };
  });
}

/** A card of which nobody knows which of its twins it is. */
function anyOf({ address: _address, uuid: _uuid, ...card }: Card): Card {
  return card;
}

function cannotKeep(card: Card, why: string): UserError {
  return new UserError(
    "noDevice",
    `Cannot keep a worker on card ${
      showCard(card)
    }: need the device-select layer of Mesa 23.3 or ` +
      `later (Debian: apt-get install -t bookworm-backports mesa-vulkan-drivers): ${why}`,
  );
}
