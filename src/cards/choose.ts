/**
 * Assigns a card to each worker slot, from the user's options and the machine's cards. Pure.
 */
import { UserError } from "../base/user_error.ts";
import { type Card, isNvidia, KINDS, pciAddress, showCard } from "./card.ts";

/** The inputs of the assignment. */
export interface CardChoice {
  readonly cards: readonly Card[];
  /** `--gpus`: comma-separated names, or null if not given. */
  readonly asked: string | null;
  /** CUDA_VISIBLE_DEVICES, if set. */
  readonly visible?: string | undefined;
  readonly workers: number;
}

/** The names in a value of `--gpus`. */
export function cardNamesIn(asked: string): string[] {
  return asked.split(",").map((name) => name.trim());
}

/**
 * The cards for the worker slots; empty if all workers share a software driver.
 * @throws {UserError} `config`.
 */
export function chooseCards({ cards, asked, visible, workers }: CardChoice): readonly Card[] {
  const all = visibleCards(visible, cards);
  // A software driver counts only if there is no card.
  const real = all.filter(({ kind }) => kind !== "software");
  const shown = real.length > 0 ? real : all;
  const chosen = asked === null
    ? defaultCards(shown)
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

/** All cards of the best kind and of the first one's model; none for a software driver. */
function defaultCards(shown: readonly Card[]): Card[] {
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

/** The only card with this PCI address or UUID prefix. */
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
 * Applies CUDA_VISIBLE_DEVICES: NVIDIA's cards in its order, by number or UUID prefix, then all
 * other cards. Empty or -1 hides NVIDIA's. CUDA silently ends the list at an unknown name, which is
 * an error here.
 */
function visibleCards(visible: string | undefined, cards: readonly Card[]): readonly Card[] {
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

/**
 * Results are bitwise reproducible only within one model of card, so workers must not mix models.
 */
function requireOneModel(cards: readonly Card[]): void {
  const other = cards.find(({ name }) => name !== cards[0]?.name);
  if (other === undefined) return;
  throw new UserError(
    "config",
    "Cannot train on cards of different models: need one model, for results are the same bit for " +
      `bit only there: ${showCard(cards[0] as Card)} and ${showCard(other)}`,
  );
}
