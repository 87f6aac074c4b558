/** An evaluation without a loss for each text is no success. */
import { assertEquals } from "@std/assert";
import { faultIn, measureTexts } from "../../../src/cli/eval/report.ts";

/** The exit of an evaluation by what each text's sums are. */
function exitOf(...texts: readonly { nats: number; counted: number }[]): string | undefined {
  const names = texts.map((_, i) => ({ name: `text ${i}`, extent: undefined }));
  const evaluation = { loss: NaN, accuracy: NaN, terms: {}, counted: 0, texts };
  return faultIn({ path: "runs/a", ...measureTexts(evaluation, names) })?.exit;
}

Deno.test("an evaluation is complete when each of its texts has a finite loss", () => {
  const good = { nats: 3, counted: 2 };
  assertEquals(exitOf(good, good), undefined);
  assertEquals(exitOf(good, { nats: 0, counted: 0 }), "data");
  assertEquals(exitOf({ nats: NaN, counted: 5 }, good), "numerical");
  assertEquals(exitOf({ nats: Infinity, counted: 5 }), "numerical");
});
