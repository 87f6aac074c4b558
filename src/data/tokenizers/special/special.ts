/**
 * Adds tokens to a tokenizer that no text encodes to, as the mask of masked text. Their ids follow
 * those of the tokenizer, so tokens that exist keep their meaning.
 */
import { UserError } from "../../../base/user_error.ts";
import type { TokenizerSpec } from "../../schema.ts";
import { invalidId } from "../invalid_id.ts";
import type { Tokenizer } from "../types.ts";

/** The token that hides another one (Devlin et al. 2018, section 3.1). */
export const MASK_TOKEN = "[MASK]";

/** A tokenizer with special tokens of its own, and the one below. */
interface SpecialTokenizer extends Tokenizer {
  readonly base: Tokenizer;
}

/** The tokenizer with the named tokens; itself if it has them all. */
export function withSpecialTokens(base: Tokenizer, names: readonly string[]): Tokenizer {
  const missing = names.filter((name) => base.special?.(name) === undefined);
  return missing.length === 0 ? base : added(base, missing);
}

/** The tokenizer without the tokens that were added to it. */
export function withoutSpecialTokens(tokenizer: Tokenizer): Tokenizer {
  return "base" in tokenizer ? (tokenizer as SpecialTokenizer).base : tokenizer;
}

/**
 * The tokenizer of a spec. `base`: that of its base. @throws {UserError} `data` for names that the
 * base has, or that stand there twice.
 */
export function specialTokenizerOf(
  { tokens }: TokenizerSpec & { readonly kind: "special" },
  base: Tokenizer,
): Tokenizer {
  const known = tokens.find((name, i) =>
    base.special?.(name) !== undefined || tokens.indexOf(name) < i
  );
  if (known === undefined) return added(base, tokens);
  throw new UserError(
    "data",
    `Cannot read a tokenizer: need special tokens that it does not have: ${known}`,
  );
}

function added(base: Tokenizer, tokens: readonly string[]): SpecialTokenizer {
  const size = base.size + tokens.length;
  const isAdded = (id: number) => id >= base.size;
  const check = (id: number) =>
    Number.isInteger(id) && id >= 0 && id < size ? id : invalidId(id, size);
  return {
    base,
    kind: base.kind,
    size,
    end: base.end,
    unknown: base.unknown,
    ...base.target !== undefined && { target: base.target },
    encode: (text) => base.encode(text),
    decode: (ids) => base.decode(Array.from(ids, check).filter((id) => !isAdded(id))),
    stream() {
      const stream = base.stream();
      return {
        push: (id) => isAdded(check(id)) ? "" : stream.push(id),
        flush: () => stream.flush(),
      };
    },
    cut: (text) => base.cut(text),
    special(name) {
      const at = tokens.indexOf(name);
      return at < 0 ? base.special?.(name) : base.size + at;
    },
    toJSON() {
      const spec = base.toJSON();
      if (spec.kind !== "special") return { kind: "special", base: spec, tokens: [...tokens] };
      return { ...spec, tokens: [...spec.tokens, ...tokens] };
    },
  };
}
