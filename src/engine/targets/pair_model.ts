/** Opens a model of pairs to write targets: its tokenizer, its special tokens, its writer. */
import { UserError } from "../../base/user_error.ts";
import { SIDE_END, SIDE_PAD } from "../../data/pairs/encode.ts";
import type { Tokenizer } from "../../data/tokenizers/types.ts";
import type { Device } from "../../device/types.ts";
import { openWriter, type TargetWriter } from "./writer.ts";
import type { HeldModel } from "../whole/whole_window.ts";

/** A model that writes targets. */
export interface PairModel {
  readonly writer: TargetWriter;
  readonly tokenizer: Tokenizer;
  /** The token that ends a side. */
  readonly end: number;
  /** Ids of a source, its end included. @throws {UserError} `config` if the window is shorter. */
  sourceOf(text: string): Uint32Array;
  /** The text of a target. */
  textOf(target: readonly number[]): string;
}

/** Loads a model of pairs. @throws {UserError} `config` for one without a tokenizer of pairs. */
export async function openPairModel(
  device: Device,
  opened: HeldModel & { readonly path: string; readonly tokenizer: Tokenizer | undefined },
  rows: number,
): Promise<PairModel> {
  const { path, tokenizer, context } = opened;
  const [end, start] = [SIDE_END, SIDE_PAD].map((name) => tokenizer?.special?.(name));
  if (tokenizer === undefined || end === undefined || start === undefined) {
    throw new UserError(
      "config",
      `Cannot write targets with ${path}: need a tokenizer with ${SIDE_END} and ${SIDE_PAD}`,
    );
  }
  const target = tokenizer.target ?? tokenizer;
  return {
    writer: await openWriter(device, opened, { rows, start }),
    tokenizer,
    end,
    sourceOf(text) {
      const ids = tokenizer.encode(text);
      if (ids.length > 0 && ids.length < context) return Uint32Array.from([...ids, end]);
      throw new UserError(
        "config",
        `Cannot write the target of ${JSON.stringify(text)}: need 1 to ${context - 1} tokens: it ` +
          `has ${ids.length}`,
      );
    },
    // Special tokens have no text, whichever side's tokenizer decodes.
    textOf: (ids) => target.decode(ids.filter((id) => id !== start && id !== end)),
  };
}
