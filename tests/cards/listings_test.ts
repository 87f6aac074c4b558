/** Parsing of nvidia-smi's and Mesa's lists, with warnings between their lines. */
import { assertEquals } from "@std/assert";
import { joinCards, pciAddress } from "../../src/cards/card.ts";
import {
  hasMesaList,
  parseMesaList,
  parseNvidiaSmi,
  parsePinned,
} from "../../src/cards/listings.ts";
import { eightMesa, eightNvidia, LAPTOP, SOFTWARE } from "./fixture.ts";

Deno.test("parseNvidiaSmi() reads eight identical cards in their order", () => {
  const cards = parseNvidiaSmi(eightNvidia());
  assertEquals(cards.length, 8);
  assertEquals(cards[0], {
    name: "NVIDIA H200",
    kind: "discrete",
    address: "0000:18:00.0",
    uuid: "GPU-00aa0000-1111-2222-3333-444455556666",
    memory: 143771,
    driver: "570.86.15",
  });
  assertEquals(cards[7]?.address, "0000:df:00.0");
});

Deno.test("parseNvidiaSmi() skips other lines, and accepts a card without its memory", () => {
  const text = "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.\n\n" +
    "0, 00000000:01:00.0, NVIDIA, odd name, GPU-1, [N/A], 570.86.15\n";
  assertEquals(parseNvidiaSmi(text), [
    {
      name: "NVIDIA, odd name",
      kind: "discrete",
      address: "0000:01:00.0",
      uuid: "GPU-1",
      driver: "570.86.15",
    },
  ]);
  assertEquals(parseNvidiaSmi(""), []);
});

Deno.test("parseMesaList() reads kinds and addresses; software drivers have no address", () => {
  assertEquals(parseMesaList(LAPTOP), [
    {
      id: "8086:9a49",
      name: "Intel(R) Xe Graphics (TGL GT2)",
      kind: "integrated",
      address: "0000:00:02.0",
    },
    { id: "10de:1f99", name: "NVIDIA GeForce GTX 1650", kind: "discrete", address: "0000:01:00.0" },
    { id: "10005:0", name: "llvmpipe (LLVM 15.0.6, 256 bits)", kind: "software" },
  ]);
});

Deno.test("parseMesaList() skips warnings, and hasMesaList() detects the layer", () => {
  const text = `error: XDG_RUNTIME_DIR is invalid or not set\n${SOFTWARE}`;
  assertEquals(parseMesaList(text).map(({ name }) => name), [
    "SwiftShader Device (Subzero)",
    "llvmpipe (LLVM 15.0.6, 256 bits)",
  ]);
  assertEquals([hasMesaList(text), hasMesaList("error: no\n")], [true, false]);
});

Deno.test("parsePinned() returns the card that the layer selected, and nothing for an old layer", () => {
  const list = eightMesa();
  const trace = `${list}device-select: device_select_find_dri_prime_tag_default selected 3\n`;
  assertEquals(parsePinned(trace), "0000:5d:00.0");
  assertEquals(parsePinned(list), undefined);
  assertEquals(
    parsePinned(`${list}device-select: device_select_find_boot_vga selected 3\n`),
    undefined,
  );
});

Deno.test("joinCards() matches cards by address, numbers them as nvidia-smi does, and lists those unknown to Vulkan", () => {
  const { cards, unseen } = joinCards(parseMesaList(eightMesa()), parseNvidiaSmi(eightNvidia()));
  assertEquals(unseen, []);
  assertEquals(cards.map(({ index }) => index), [0, 1, 2, 3, 4, 5, 6, 7, 8]);
  assertEquals(cards[2]?.uuid, "GPU-02aa0000-1111-2222-3333-444455556666");
  assertEquals([cards[2]?.id, cards[2]?.memory], ["10de:2335", 143771]);
  assertEquals(cards[8]?.kind, "software");
  const blind = joinCards(parseMesaList(SOFTWARE), parseNvidiaSmi(eightNvidia()));
  assertEquals([blind.cards.length, blind.unseen.length], [2, 8]);
});

Deno.test("joinCards() puts a discrete card before an integrated one of a lower address", () => {
  const { cards } = joinCards(parseMesaList(LAPTOP), []);
  assertEquals(cards.map(({ kind }) => kind), ["discrete", "integrated", "software"]);
});

Deno.test("pciAddress() takes four digits of a domain or eight, and nothing else", () => {
  assertEquals(
    ["00000000:18:00.0", "0000:AF:00.0", "00010000:01:00.0", "18:00.0", "", "0000:18:00.9"]
      .map(pciAddress),
    ["0000:18:00.0", "0000:af:00.0", "10000:01:00.0", undefined, undefined, undefined],
  );
});
