/** Environment variables that pin a process to a card. */
import { assert, assertEquals } from "@std/assert";
import { cardOf, needsProof, pinOf } from "../../src/cards/pin.ts";
import { eight, LAPTOP, listed, SOFTWARE } from "./fixture.ts";

Deno.test("pinOf() selects identical cards by PCI address, which needs a test of the layer", () => {
  const cards = eight();
  const pins = cards.slice(0, 8).map((card) => pinOf(card, cards)?.["DRI_PRIME"]);
  assertEquals(pins[0], "pci-0000_18_00_0!");
  assertEquals(new Set(pins).size, 8);
  assert(cards.slice(0, 8).every((card) => needsProof(card, cards)));
});

Deno.test("pinOf() selects a unique card by vendor and device id, in every version of the layer", () => {
  for (const cards of [listed(LAPTOP), listed(SOFTWARE)]) {
    for (const card of cards) {
      assertEquals(pinOf(card, cards), { MESA_VK_DEVICE_SELECT: `${card.id}!` });
      assert(!needsProof(card, cards));
    }
  }
});

Deno.test("pinOf() gives nothing for a card that Vulkan did not name", () => {
  const card = { index: 0, name: "NVIDIA H200", kind: "discrete", uuid: "GPU-1" } as const;
  assertEquals(pinOf(card, [card]), undefined);
});

Deno.test("cardOf() assigns cards to worker slots cyclically, and none if none was chosen", () => {
  const cards = eight();
  assertEquals([0, 3, 3].map((workerId) => cardOf(cards, workerId)?.index), [0, 3, 3]);
  assertEquals(cardOf([], 0), undefined);
});
