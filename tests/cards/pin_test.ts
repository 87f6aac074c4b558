/** Variables that keep a process on its card. */
import { assert, assertEquals } from "@std/assert";
import { cardOf, needsProof, pinOf } from "../../src/cards/pin.ts";
import { eight, LAPTOP, listed, SOFTWARE } from "./fixture.ts";

Deno.test("pinOf() tells twins apart by their PCI address, and wants the layer's proof for it", () => {
  const cards = eight();
  const pins = cards.slice(0, 8).map((card) => pinOf(card, cards)?.["DRI_PRIME"]);
  assertEquals(pins[0], "pci-0000_18_00_0!");
  assertEquals(new Set(pins).size, 8);
  assert(cards.slice(0, 8).every((card) => needsProof(card, cards)));
});

Deno.test("pinOf() names a card without a twin by vendor and device, which every layer heeds", () => {
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

Deno.test("cardOf() gives a worker slot its card, again and again, and none where none was chosen", () => {
  const cards = eight();
  assertEquals([0, 3, 3].map((workerId) => cardOf(cards, workerId)?.index), [0, 3, 3]);
  assertEquals(cardOf([], 0), undefined);
});
