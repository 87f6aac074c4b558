/**
 * Entry of the process that examines the source of a module of the user, with the permission to read
 * its files and the run's prepared folders alone.
 */
import "../mod.ts";
import { rootKey } from "../src/base/random.ts";
import { thrownLine } from "../src/base/text/thrown.ts";
import { UserError } from "../src/base/user_error.ts";
import { withUserModules } from "../src/config/user/user_modules.ts";
import { sourceIn } from "../src/corpus/corpus.ts";
import { batchHashes, type SourceCheck, type SourceCheckSays } from "../src/corpus/examined.ts";
import { receiveTexts } from "../src/corpus/sent_texts.ts";
import { sourceFault } from "../src/data/sources/examine.ts";
import { tokenizerFrom } from "../src/data/tokenizers/mod.ts";
import { readChildInput, sayToParent } from "../src/modules/user_child.ts";
import { watched } from "../src/modules/watched.ts";
import { wordsOf } from "./protocol/payload.ts";

const say = (says: SourceCheckSays) => sayToParent(says);

async function examine({ input, payload }: ReturnType<typeof readChildInput>): Promise<void> {
  const { config, vocabulary, tokenizer, texts, addresses, evaluates } = input as SourceCheck;
  await withUserModules(config);
  const corpus = {
    texts: receiveTexts(texts, wordsOf(payload)),
    vocabulary,
    tokenizer: tokenizer === null ? undefined : tokenizerFrom(tokenizer),
  };
  const make = () => sourceIn(config, corpus, rootKey(config.seed));
  const fault = sourceFault(make, {
    addresses,
    evaluates,
    next: (next) => say({ next }),
    now: () => performance.now(),
  });
  if (fault !== undefined) return say({ fault });
  const [first] = addresses;
  say({ hashes: first === undefined ? {} : batchHashes(make().train(first)) });
}

if (import.meta.main) {
  const given = readChildInput();
  await watched();
  try {
    await examine(given);
  } catch (error) {
    say(
      error instanceof UserError
        ? { exit: error.exit, message: error.message }
        : { fault: thrownLine(error) },
    );
  }
  Deno.exit(0);
}
