/**
 * Which worker computes on which card: the rules by which people's words and a machine's cards
 * become one card for each worker slot. Pure: what cards there are others find out.
 */
import { UserError } from "../base/user_error.ts";
import { type Card, isNvidia, KINDS, pciAddress, showCard } from "./card.ts";

/** What is chosen from, and what was said about it. */
export interface CardChoice {
  readonly cards: readonly Card[];
  /** `--gpus`: names with commas between them, or null where nothing was said. */
  readonly asked: string | null;
  /** CUDA_VISIBLE_DEVICES, where it is set. */
  readonly visible?: string | undefined;
  readonly workers: number;
}

/** Names in the value of `--gpus`. */
export function cardNamesIn(asked: string): string[] {
  return asked.split(",").map((name) => name.trim());
}

/**
 * A card for each worker slot, as many as workers may have; empty where all workers share the one driver
 * that there is, which is no card. @throws {UserError} `config`.
 */
export function chooseCards({ cards, asked, visible, workers }: CardChoice): readonly Card[] {
  const all = shownBy(visible, cards);
  // Where there are cards a software driver is none of them.
  const real = all.filter(({ kind }) => kind !== "software");
  const shown = real.length > 0 ? real : all;
  const chosen = asked === null
    ? unasked(shown)
    : cardNamesIn(asked).map((name) => named(name, shown));
  requireOneModel(chosen);
  if (chosen.length === 0 || workers <= chosen.length) return chosen;
  const list = chosen.map(showCard).join(", ");
  const shared = Array.from({ length: workers }, (_, i) => i % chosen.length).toSorted();
  throw new UserError(
    "config",
    `Cannot run ${workers} workers: need a card for each, or --gpus=${shared.join()} to share ` +
      `them: ${chosen.length === 1 ? "there is" : "there are"} ${list}`,
  );
}

/** All cards of the best kind that are like the first. Software drivers are for all to share. */
function unasked(shown: readonly Card[]): Card[] {
  const kind = KINDS.find((each) => shown.some((card) => card.kind === each));
  if (kind === "software") return [];
  const best = shown.filter((card) => card.kind === kind);
  return best.filter(({ name }) => name === best[0]?.name);
}

function named(name: string, shown: readonly Card[]): Card {
  const card = /^\d+$/.test(name) ? shown[Number(name)] : find(name, shown);
  if (card !== undefined) return card;
  const list = shown.map((each, i) => showCard({ ...each, index: i })).join(", ");
  throw new UserError(
    "config",
    `Cannot take the card "${name}" of --gpus: need a number, PCI address or UUID of ` +
      (shown.length === 0 ? "a card: none was found" : `one of: ${list}`),
  );
}

/** The only card with a PCI address, or a UUID that begins like this. */
function find(name: string, cards: readonly Card[]): Card | undefined {
  const address = pciAddress(/^[^:]+:[^:]+$/.test(name) ? `0000:${name}` : name);
  const found = cards.filter((card) =>
    address === undefined
      ? name !== "" && card.uuid?.toLowerCase().startsWith(name.toLowerCase()) === true
      : card.address === address
  );
  return found.length === 1 ? found[0] : undefined;
}

/**
 * What CUDA_VISIBLE_DEVICES leaves: NVIDIA's cards in its order, by number or by the beginning of a
 * UUID, and after them all others. Empty or -1 leaves none of NVIDIA's. CUDA ends the list at a
 * name that it does not know; here that is refused, for the list is then not what was meant.
 */
function shownBy(visible: string | undefined, cards: readonly Card[]): readonly Card[] {
  if (visible === undefined) return cards;
  const nvidia = cards.filter(isNvidia);
  const others = cards.filter((card) => !isNvidia(card));
  if (nvidia.length === 0) return cards;
  const kept: Card[] = [];
  for (const name of cardNamesIn(visible)) {
    if (name === "" || name === "-1" || name === "NoDevFiles") break;
    const card = /^\d+$/.test(name) ? nvidia[Number(name)] : find(name, nvidia);
    if (card === undefined) {
      throw new UserError(
        "config",
        `Cannot find the card "${name}" of CUDA_VISIBLE_DEVICES=${visible}: need one of: ` +
          nvidia.map((each, i) => showCard({ ...each, index: i })).join(", "),
      );
    }
    kept.push(card);
  }
  return [...kept, ...others];
}

/** Bits are a promise for one model of card: workers on two would not agree in theirs. */
function requireOneModel(cards: readonly Card[]): void {
  const other = cards.find(({ name }) => name !== cards[0]?.name);
  if (other === undefined) return;
  throw new UserError(
    "config",
    "Cannot train on cards of different models: need one model, for results are the same bit for " +
      `bit only there: ${showCard(cards[0] as Card)} and ${showCard(other)}`,
  );
}
