/**
 * A card: one adapter of this machine as its drivers name it, and the words by which people name
 * one. Knows no process and no driver.
 */

/** Kinds of cards, in the order in which they are preferred. */
export const KINDS = ["discrete", "integrated", "virtual", "other", "software"] as const;

/** Kind of a card; `software` is a driver that computes on the CPU. */
export type CardKind = typeof KINDS[number];

/** An adapter of this machine. */
export interface Card {
  /** From 0: in order of kind, then of PCI address, which is nvidia-smi's order. */
  readonly index: number;
  /** As the driver says it, and as WebGPU repeats it. */
  readonly name: string;
  readonly kind: CardKind;
  /** PCI address, `0000:18:00.0`; a software driver has none. */
  readonly address?: string;
  /** Vendor and device in hex, `10de:2335`, where Vulkan has named it. */
  readonly id?: string;
  /** NVIDIA's `GPU-...`. */
  readonly uuid?: string;
  /** Memory in MiB, where nvidia-smi told. */
  readonly memory?: number;
  /** Version of the driver, where nvidia-smi told. */
  readonly driver?: string;
}

/** A card before all of a machine are known. */
export type ListedCard = Omit<Card, "index">;

/** NVIDIA's number at the PCI. */
const NVIDIA = "10de:";

/** Whether CUDA's variables are about this card. */
export function isNvidia({ id, uuid }: ListedCard): boolean {
  return uuid !== undefined || id?.startsWith(NVIDIA) === true;
}

/** `00000000:18:00.0` and `0000:18:00.0` as the latter; undefined for what is no PCI address. */
export function pciAddress(text: string): string | undefined {
  const [, domain, rest] = /^([\da-f]{4,8}):([\da-f]{2}:[\da-f]{2}\.[0-7])$/i.exec(text) ?? [];
  if (domain === undefined || rest === undefined) return undefined;
  return `${domain.replace(/^0+(?=.{4})/, "")}:${rest}`.toLowerCase();
}

/** A card in a line of text: `0 (NVIDIA H200, 0000:18:00.0)`. */
export function showCard({ index, name, address }: Card): string {
  return `${index} (${name}${address === undefined ? "" : `, ${address}`})`;
}

/** What two sources know of a machine's cards, in order and numbered. */
export function joinCards(
  vulkan: readonly ListedCard[],
  nvidia: readonly ListedCard[],
): { readonly cards: Card[]; readonly unseen: Card[] } {
  const same = (a: ListedCard, b: ListedCard) => a.address !== undefined && a.address === b.address;
  const known = vulkan.map((card) => ({ ...nvidia.find((each) => same(card, each)), ...card }));
  const unseen = nvidia.filter((card) => !vulkan.some((each) => same(card, each)));
  return { cards: numbered(known), unseen: numbered(unseen) };
}

function numbered(cards: readonly ListedCard[]): Card[] {
  const key = ({ kind, address, name }: ListedCard) =>
    `${KINDS.indexOf(kind)} ${address?.padStart(12, "0") ?? ""} ${name}`;
  return cards.toSorted((a, b) => key(a) < key(b) ? -1 : 1)
    .map((card, index) => ({ ...card, index }));
}
