/** Verifies every block of a prepared folder. */
import { UserError } from "../../base/user_error.ts";
import { readIndex, TEXT_PARTS } from "./folder.ts";
import { widthFor } from "./header.ts";
import { openPrepared } from "./open.ts";
import { TokenHash } from "./token_hash.ts";
import { openEach } from "./tokens.ts";

/** Counts of verified items. */
export interface VerifiedFolder {
  readonly shards: number;
  readonly blocks: number;
  readonly tokens: number;
}

/** Called after each block with the token bytes so far, and in total. */
export type VerifyProgress = (bytes: number, total: number) => void;

/**
 * Reads and verifies a whole prepared folder. @throws {UserError} `data` with file and offset of
 * the first bad block, or the split whose token hash differs from the index.
 */
export function verifyPrepared(
  path: string,
  progress: VerifyProgress = () => {},
): VerifiedFolder {
  openPrepared(path);
  const index = readIndex(path);
  const tokens = index.train.tokens + index.validation.tokens;
  const total = tokens * widthFor(index.tokenizer.vocabulary);
  let [shards, blocks, bytes] = [0, 0, 0];
  for (const part of TEXT_PARTS) {
    const open = openEach(path, { ...index.tokenizer, shards: index[part].shards });
    try {
      const [first] = open;
      const hash = first === undefined ? undefined : new TokenHash(first.head.width);
      for (const shard of open) {
        for (let block = 0; block < shard.blocks; block++) {
          const stored = shard.block(block);
          hash?.push(stored);
          bytes += stored.length;
          progress(bytes, total);
        }
        if (shard.head.ends !== undefined) shard.ends(undefined);
        blocks += shard.blocks;
      }
      shards += open.length;
      if (hash !== undefined && hash.digest() !== index[part].hash) {
        throw new UserError(
          "data",
          `Cannot take ${path}: its tokens of ${part} have the hash ${hash.digest()}, the index says ${
            index[part].hash
          }`,
        );
      }
    } finally {
      for (const shard of open) shard[Symbol.dispose]();
    }
  }
  return { shards, blocks, tokens };
}
