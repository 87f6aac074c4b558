/**
 * A tokenizer for pairs whose sides have tokens of different kinds, as letters and phonemes. Both
 * share one vocabulary: ids of the target follow those of the source.
 */
import type { SideSpec, TokenizerSpec } from "../../schema.ts";
import { invalidId } from "../invalid_id.ts";
import type { Tokenizer } from "../types.ts";

/** The tokenizer of two others. It encodes sources; its `target` encodes targets. */
export function sidesTokenizer(source: Tokenizer, target: Tokenizer): Tokenizer {
  const shifted = shiftedBy(target, source.size);
  const { size } = shifted;
  const isTarget = (id: number) => id >= source.size;
  const check = (id: number) =>
    Number.isInteger(id) && id >= 0 && id < size ? id : invalidId(id, size);
  return {
    kind: "sides",
    size,
    end: undefined,
    unknown: source.unknown,
    target: shifted,
    encode: (text) => source.encode(text),
    cut: (text) => source.cut(text),
    decode(ids) {
      const all = Array.from(ids, check);
      const [left, right] = [all.filter((id) => !isTarget(id)), all.filter(isTarget)];
      return source.decode(left) + shifted.decode(right);
    },
    stream() {
      const [left, right] = [source.stream(), shifted.stream()];
      return {
        push: (id) => (isTarget(check(id)) ? right : left).push(id),
        flush: () => left.flush() + right.flush(),
      };
    },
    toJSON: () => ({
      kind: "sides",
      source: source.toJSON() as SideSpec,
      target: target.toJSON() as SideSpec,
    }),
  };
}

/** A tokenizer whose ids are larger by `first`. */
function shiftedBy(tokenizer: Tokenizer, first: number): Tokenizer {
  const { end, unknown } = tokenizer;
  const own = (id: number) => id - first;
  return {
    kind: tokenizer.kind,
    size: first + tokenizer.size,
    end: end === undefined ? undefined : first + end,
    unknown: unknown === undefined ? undefined : first + unknown,
    encode: (text) => tokenizer.encode(text).map((id) => first + id),
    decode: (ids) => tokenizer.decode(Array.from(ids, own)),
    stream() {
      const stream = tokenizer.stream();
      return { push: (id) => stream.push(own(id)), flush: () => stream.flush() };
    },
    cut: (text) => tokenizer.cut(text),
    toJSON: () => tokenizer.toJSON(),
  };
}

/** The tokenizer of a spec; `made`: that of a spec of a side. */
export function sidesTokenizerOf(
  { source, target }: TokenizerSpec & { readonly kind: "sides" },
  made: (spec: SideSpec) => Tokenizer,
): Tokenizer {
  return sidesTokenizer(made(source), made(target));
}
