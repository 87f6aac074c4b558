/** Pinning of workers to cards, or an error if it does not work. */
import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { UserError } from "../../src/base/user_error.ts";
import { joinCards } from "../../src/cards/card.ts";
import { keptOn, type PinSupport } from "../../src/cards/keep.ts";
import { parseNvidiaSmi } from "../../src/cards/listings.ts";
import { eight, eightNvidia, LAPTOP, listed } from "./fixture.ts";

const ALL = eight();
const CARDS = ALL.slice(0, 8);

function means(more: Partial<PinSupport>): PinSupport {
  return { cards: ALL, layer: true, alone: false, honorsPin: () => Promise.resolve(true), ...more };
}

const never = () => Promise.reject(new Error("nobody needs to ask"));
const old = { honorsPin: () => Promise.resolve(false) };

Deno.test("keptOn() pins eight identical cards by address after a test of one pin", async () => {
  const asked: number[] = [];
  const honorsPin = ({ index }: { index: number }) => {
    asked.push(index);
    return Promise.resolve(true);
  };
  const kept = await keptOn(CARDS, means({ honorsPin }));
  assertEquals(asked, [0]);
  assertEquals(kept.map(({ pin }) => Object.keys(pin ?? {}).join()), Array(8).fill("DRI_PRIME"));
  assertEquals(kept[7]?.pin, { DRI_PRIME: "pci-0000_df_00_0!" });
});

Deno.test("keptOn() tests no pin of a unique card", async () => {
  const cards = listed(LAPTOP);
  const [kept] = await keptOn(cards.slice(0, 1), means({ cards, honorsPin: never }));
  assertEquals(kept?.pin, { MESA_VK_DEVICE_SELECT: "10de:1f99!" });
});

Deno.test("keptOn() refuses identical cards with an old layer, except for a single worker", async () => {
  const refusal = await assertRejects(() => keptOn(CARDS.slice(0, 2), means(old)), UserError);
  assertEquals(refusal.exit, "noDevice");
  assertMatch(refusal.message, /^Cannot keep a worker on card 0 .*Mesa 23.3.*takes another card$/);
  const [any, ...more] = await keptOn(CARDS, means({ ...old, alone: true }));
  assertEquals([any?.address, any?.uuid, more.length], [undefined, undefined, 0]);
  assertEquals(any?.pin, { MESA_VK_DEVICE_SELECT: "10de:2335" });
});

Deno.test("keptOn() needs no layer for the only card, and none for one worker alone", async () => {
  const { unseen: cards } = joinCards([], parseNvidiaSmi(eightNvidia()));
  const bare = { cards, layer: false, honorsPin: never };
  const [one] = cards;
  assertEquals(await keptOn([one!, one!], means({ ...bare, cards: [one!] })), [one!, one!]);
  const refusal = await assertRejects(() => keptOn(cards, means(bare)), UserError);
  assertMatch(refusal.message, /there is none$/);
  assertEquals((await keptOn(cards, means({ ...bare, alone: true }))).map(({ pin }) => pin), [
    undefined,
  ]);
  assertEquals(await keptOn([], means(bare)), []);
});
