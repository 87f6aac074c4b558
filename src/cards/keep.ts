/**
 * Pins workers to the cards that were chosen for them, as far as this machine supports it.
 */
import { UserError } from "../base/user_error.ts";
import { type Card, showCard } from "./card.ts";
import { needsProof, type PinnedCard, pinOf } from "./pin.ts";

/** What this machine supports. */
export interface PinSupport {
  /** All its cards. */
  readonly cards: readonly Card[];
  /** Mesa's device-select layer is installed. */
  readonly layer: boolean;
  /** There is one worker, and the user requested no card. */
  readonly alone: boolean;
  /** Tests whether the layer selects the card of a pin. */
  readonly honorsPin: (card: Card) => Promise<boolean>;
}

/**
 * The chosen cards with pins that take effect. A single card needs none, and a single worker may be
 * on any of several identical cards. @throws {UserError} `noDevice`.
 */
export async function keptOn(chosen: readonly Card[], means: PinSupport): Promise<PinnedCard[]> {
  const { cards, layer, alone, honorsPin } = means;
  const [first] = chosen;
  if (first === undefined || (!layer && cards.length === 1)) return [...chosen];
  if (!layer) {
    if (alone) return [anyOf(first)];
    throw cannotKeep(first, "there is none");
  }
  // All cards have the same layer, so testing one is enough.
  if (needsProof(first, cards) && !await honorsPin(first)) {
    const { id } = first;
    if (alone && id !== undefined) return [{ ...anyOf(first), pin: { MESA_VK_DEVICE_SELECT: id } }];
    throw cannotKeep(first, "this one takes another card");
  }
  return chosen.map((card) => {
    const pin = pinOf(card, cards);
    return { ...card, ...pin !== undefined && { pin } };
  });
}

/** A card that may be any of several identical ones. */
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
