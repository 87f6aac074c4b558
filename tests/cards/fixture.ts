/** Machines as nvidia-smi and Mesa's layer print them. */
import { type Card, joinCards } from "../../src/cards/card.ts";
import { parseMesaList, parseNvidiaSmi } from "../../src/cards/listings.ts";

/** Buses of eight cards in one box. */
const BUSES: readonly string[] = ["18", "2a", "3a", "5d", "9a", "ab", "ba", "df"];

/** nvidia-smi's list of eight H200. */
export function eightNvidia(): string {
  return BUSES.map((bus, i) =>
    `${i}, 00000000:${bus.toUpperCase()}:00.0, NVIDIA H200, ` +
    `GPU-0${i}aa0000-1111-2222-3333-444455556666, 143771, 570.86.15\n`
  ).join("");
}

/** The layer's list of the same, and of lavapipe. */
export function eightMesa(): string {
  const cards = BUSES.map((bus, i) =>
    `  GPU ${i}: 10de:2335 "NVIDIA H200" discrete GPU 0000:${bus}:00.0\n`
  );
  return `selectable devices:\n${cards.join("")}` +
    `  GPU 8: 10005:0 "llvmpipe (LLVM 15.0.6, 256 bits)" CPU 0000:00:00.0\n`;
}

/** A laptop with an integrated and a discrete card. */
export const LAPTOP = `selectable devices:
  GPU 0: 8086:9a49 "Intel(R) Xe Graphics (TGL GT2)" integrated GPU 0000:00:02.0
  GPU 1: 10de:1f99 "NVIDIA GeForce GTX 1650" discrete GPU 0000:01:00.0
  GPU 2: 10005:0 "llvmpipe (LLVM 15.0.6, 256 bits)" CPU 0000:00:00.0
`;

/** Two software drivers. */
export const SOFTWARE = `selectable devices:
  GPU 0: 1ae0:c0de "SwiftShader Device (Subzero)" CPU
  GPU 1: 10005:0 "llvmpipe (LLVM 15.0.6, 256 bits)" CPU
`;

/** The cards of a box with eight H200. */
export function eight(): Card[] {
  return joinCards(parseMesaList(eightMesa()), parseNvidiaSmi(eightNvidia())).cards;
}

/** The cards of a machine that only the layer lists. */
export function listed(text: string): Card[] {
  return joinCards(parseMesaList(text), []).cards;
}
