/** The `setup` order, with the tokens of the texts that are in memory. Pure. */
import { bytesOf } from "../../src/base/hash.ts";
import type { RunConfig } from "../../src/config/schema.ts";
import { needsTokenizer } from "../../src/data/sources/mod.ts";
import type { Corpus } from "../../src/corpus/corpus.ts";
import type { Order } from "../protocol/messages.ts";
import { sendTexts } from "../../src/corpus/sent_texts.ts";

/** The `setup` order and its payload. */
export function setUp(
  config: RunConfig,
  corpus: Corpus,
  { trains = true, device = config.device }: {
    readonly trains?: boolean;
    readonly device?: RunConfig["device"] | undefined;
  } = {},
): readonly [Order & { type: "setup" }, Uint8Array<ArrayBuffer>] {
  const { vocabulary, tokenizer } = corpus;
  const { texts, tokens } = sendTexts(corpus.texts);
  const spec = needsTokenizer(config.data) ? tokenizer?.toJSON() ?? null : null;
  const order = {
    type: "setup",
    config,
    device: device.kind,
    vocabulary,
    tokenizer: spec,
    texts,
    trains,
  } as const;
  return [order, bytesOf(tokens)];
}
