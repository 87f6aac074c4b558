/**
 * Graphics cards: the adapters of this machine as their drivers report them.
 */

/** Kinds of cards, in order of preference. */
export const KINDS = ["discrete", "integrated", "virtual", "other", "software"] as const;

/** Kind of a card; `software` is a driver that computes on the CPU. */
export type CardKind = typeof KINDS[number];

/** An adapter of this machine. */
export interface Card {
  /** From 0, ordered by kind, then by PCI address as nvidia-smi does. */
  readonly index: number;
  /** As the driver and WebGPU report it. */
  readonly name: string;
  readonly kind: CardKind;
  /** PCI address, `0000:18:00.0`; none for a software driver. */
  readonly address?: string;
  /** Vendor and device id in hex, `10de:2335`, if Vulkan reports it. */
  readonly id?: string;
  /** NVIDIA's `GPU-...`. */
  readonly uuid?: string;
  /** Memory in MiB, if nvidia-smi reports it. */
  readonly memory?: number;
  /** Driver version, if nvidia-smi reports it. */
  readonly driver?: string;
}

/** A card before it is numbered. */
export type ListedCard = Omit<Card, "index">;

/** NVIDIA's PCI vendor id. */
const NVIDIA = "10de:";

/** Whether CUDA's environment variables apply to this card. */
export function isNvidia({ id, uuid }: ListedCard): boolean {
  return uuid !== undefined || id?.startsWith(NVIDIA) === true;
}

/** Normalises `00000000:18:00.0` to `0000:18:00.0`; undefined if it is no PCI address. */
export function pciAddress(text: string): string | undefined {
  const [, domain, rest] = /^([\da-f]{4,8}):([\da-f]{2}:[\da-f]{2}\.[0-7])$/i.exec(text) ?? [];
  if (domain === undefined || rest === undefined) return undefined;
  return `${domain.replace(/^0+(?=.{4})/, "")}:${rest}`.toLowerCase();
}

/** A card as text: `0 (NVIDIA H200, 0000:18:00.0)`. */
export function showCard({ index, name, address }: Card): string {
  return `${index} (${name}${address === undefined ? "" : `, ${address}`})`;
}

/** Joins the lists of two sources, ordered and numbered; `unseen` are those unknown to Vulkan. */
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
