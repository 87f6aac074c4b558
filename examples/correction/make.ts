/** Writes the training documents, each in one house style. */
import { Dice } from "../dice.ts";
import { writeDocuments } from "../documents.ts";
import { runMake } from "../flags.ts";
import { drawPair, shots, STYLES } from "./english.ts";

/** Pairs in a document. */
const PAIRS = 3;

await runMake({
  name: "correction",
  about: "Writes documents of poor sentences and good ones behind them.",
  documents: 24_000,
}, async ({ out, documents }) => {
  const dice = new Dice(1, "documents");
  const texts = Array.from({ length: documents }, () => {
    const style = dice.pick(STYLES);
    return shots(Array.from({ length: PAIRS }, () => drawPair(dice, { style })));
  });
  await writeDocuments(out, texts);
});
