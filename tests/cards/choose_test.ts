/** The assignment of cards to workers, and its errors. */
import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { UserError } from "../../src/base/user_error.ts";
import { type CardChoice, chooseCards } from "../../src/cards/choose.ts";
import { eight, LAPTOP, listed, SOFTWARE } from "./fixture.ts";

/** Numbers of the chosen cards, by worker slot. */
function chosen(choice: Partial<CardChoice>): number[] {
  const whole = { cards: eight(), asked: null, workers: 1, ...choice };
  return chooseCards(whole).map(({ index }) => index);
}

/** The message of an error. */
function refused(choice: Partial<CardChoice>): string {
  const error = assertThrows(() => chosen(choice), UserError);
  assertEquals([error.exit, error.message.includes("\n")], ["config", false]);
  return error.message;
}

Deno.test("chooseCards() gives eight workers the eight cards, and one worker the first", () => {
  assertEquals(chosen({ workers: 8 }), [0, 1, 2, 3, 4, 5, 6, 7]);
  assertEquals(chosen({ workers: 1 })[0], 0);
});

Deno.test("chooseCards() takes the cards that are named, in their order", () => {
  assertEquals(chosen({ asked: "5,2", workers: 2 }), [5, 2]);
  assertEquals(chosen({ asked: "0000:5d:00.0,9a:00.0", workers: 2 }), [3, 4]);
  assertEquals(chosen({ asked: "gpu-06aa", workers: 1 }), [6]);
});

Deno.test("chooseCards() lets workers share a card only where that is asked for", () => {
  assertEquals(chosen({ asked: "0,0", workers: 2 }), [0, 0]);
  assertMatch(refused({ workers: 9 }), /^Cannot run 9 workers: .*--gpus=0,0,1,2,3,4,5,6,7 /);
  assertMatch(refused({ asked: "3", workers: 2 }), /there is 3 \(NVIDIA H200, 0000:5d:00.0\)$/);
});

Deno.test("chooseCards() refuses a card that is not there", () => {
  for (const asked of ["9", "0,12", "ff:00.0", "GPU-0", "x", "-1"]) {
    assertMatch(refused({ asked }), /^Cannot take the card ".+" of --gpus: .*need.* one of: 0 \(/);
  }
  assertMatch(refused({ asked: "0", cards: [] }), /none was found$/);
});

Deno.test("chooseCards() prefers the discrete card, and takes the integrated one where it is named or alone", () => {
  const laptop = listed(LAPTOP);
  const names = (asked: string | null, cards = laptop) =>
    chooseCards({ cards, asked, workers: 1 }).map(({ kind }) => kind);
  assertEquals(names(null), ["discrete"]);
  assertEquals(names("1"), ["integrated"]);
  assertEquals(names(null, laptop.filter(({ kind }) => kind !== "discrete")), ["integrated"]);
});

Deno.test("chooseCards() returns no card if there are only software drivers, unless one is named", () => {
  assertEquals(chosen({ cards: listed(SOFTWARE), workers: 7 }), []);
  assertEquals(chosen({ cards: [], workers: 7 }), []);
  assertEquals(chosen({ cards: listed(SOFTWARE), asked: "1,1", workers: 2 }), [1, 1]);
});

Deno.test("chooseCards() refuses cards of two models, and unasked takes those that are like the first", () => {
  assertMatch(
    refused({ cards: listed(SOFTWARE), asked: "0,1", workers: 2 }),
    /different models.*0 \(SwiftShader.*1 \(llvmpipe/,
  );
  const mixed = eight().map((card) => card.index < 2 ? card : { ...card, name: "NVIDIA L4" });
  assertEquals(chosen({ cards: mixed, workers: 2 }), [0, 1]);
});

Deno.test("chooseCards() counts among the cards that CUDA_VISIBLE_DEVICES leaves, in its order", () => {
  assertEquals(chosen({ visible: "6,1", workers: 2 }), [6, 1]);
  assertEquals(chosen({ visible: "6,1", asked: "1", workers: 1 }), [1]);
  assertEquals(chosen({ visible: "GPU-03aa,GPU-05aa", asked: "1,0", workers: 2 }), [5, 3]);
  assertMatch(refused({ visible: "6,1", asked: "2" }), /one of: 0 \(.*ba:00.0\), 1 \(.*2a:00.0\)/);
  assertMatch(refused({ visible: "9" }), /^Cannot find the card "9" of CUDA_VISIBLE_DEVICES=9: /);
  assertMatch(refused({ visible: "GPU-" }), /^Cannot find the card "GPU-"/);
});

Deno.test("chooseCards() ignores NVIDIA's cards if CUDA_VISIBLE_DEVICES is empty or -1", () => {
  for (const visible of ["", "-1"]) {
    assertEquals(chosen({ visible, workers: 3 }), []);
    const [card] = chooseCards({ cards: listed(LAPTOP), asked: null, visible, workers: 1 });
    assertEquals(card?.kind, "integrated");
  }
  assertEquals(chosen({ visible: "0", cards: listed(SOFTWARE), workers: 2 }), []);
});
