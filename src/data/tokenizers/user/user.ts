/** Tokenizers that modules of the user define, registered by the hash of their modules. */
import { UserError } from "../../../base/user_error.ts";
import type { TokenizerSpec } from "../../schema.ts";
import type { Tokenizer, TokenStream } from "../types.ts";
import type { UserTokenizer } from "./user_tokenizer.ts";
import { decodedText, heldTokenizer, idsOf, requirePlain, requireRepeatable } from "./held.ts";

export type { UserTokenizer } from "./user_tokenizer.ts";

/** A kind of tokenizer; `S`: what it has learnt, as JSON holds it. */
export interface TokenizerDefinition<S = null> {
  /** Name, for messages. */
  readonly name: string;
  /** Learns from the text of a run; the result is stored in checkpoints. Default: null. */
  readonly learn?: (text: string) => S;
  /** The tokenizer of what was learnt. */
  readonly make: (learnt: S) => UserTokenizer;
}

/** Types a tokenizer's definition. */
export function defineTokenizer<S = null>(
  definition: TokenizerDefinition<S>,
): TokenizerDefinition<S> {
  return definition;
}

/** A registered definition. */
interface Registered {
  readonly definition: TokenizerDefinition<unknown>;
  readonly module: string;
  readonly sha256: string;
}

const bySha256 = new Map<string, Registered>();
const byPath = new Map<string, Registered>();

/** Whether a tokenizer's name is the path of a module. */
export function isTokenizerModule(name: string): boolean {
  return /\.(?:m?[jt]s)$/.test(name);
}

/** Registers the tokenizer that a module exports. @throws {UserError} `config` for what is none. */
export function registerTokenizer(
  exported: unknown,
  { module, sha256 }: { readonly module: string; readonly sha256: string },
): void {
  const { name, make, learn } = Object(exported) as Partial<TokenizerDefinition<unknown>>;
  const canLearn = learn === undefined || typeof learn === "function";
  if (typeof name !== "string" || typeof make !== "function" || !canLearn) {
    throw new UserError(
      "config",
      `Cannot use the module ${module}: need a tokenizer as default export, by ` +
        "defineTokenizer({ name, make, ... })",
    );
  }
  const registered = { definition: { name, make, ...learn && { learn } }, module, sha256 };
  bySha256.set(sha256, registered);
  byPath.set(module, registered);
}

/** Whether a tokenizer learns from text. @throws {UserError} as {@linkcode learnTokenizer} does. */
export function learnsText(path: string): boolean {
  return moduleAt(path).definition.learn !== undefined;
}

/** The tokenizer of the module at a path, trained on a text. @throws {UserError} */
export function learnTokenizer(path: string, text: string): Tokenizer {
  const { definition, module, sha256 } = moduleAt(path);
  const learnt = within(module, () => {
    const value = definition.learn?.(text) ?? null;
    requirePlain(definition.name, value);
    return JSON.parse(JSON.stringify(value));
  });
  return userTokenizerOf({ kind: "user", sha256, learnt });
}

function moduleAt(path: string): Registered {
  const found = byPath.get(path);
  if (found !== undefined) return found;
  throw new UserError(
    "config",
    `Cannot make the tokenizer ${path}: need a module that train imports (data.tokenizer)`,
  );
}

/** The tokenizer of a spec. @throws {UserError} `incompatible` where its module is another now. */
export function userTokenizerOf(spec: TokenizerSpec & { readonly kind: "user" }): Tokenizer {
  const found = bySha256.get(spec.sha256);
  if (found === undefined) {
    throw new UserError(
      "incompatible",
      `Cannot make the tokenizer: need its module (data.tokenizer) with SHA-256 ${spec.sha256}: ` +
        "that file is missing or was changed",
    );
  }
  const { definition: { name, make }, module } = found;
  const own = within(module, () => heldTokenizer(name, make(spec.learnt)));
  const { size, end } = own;
  const text = (ids: readonly number[]) => {
    const wrong = ids.find((id) => !Number.isInteger(id) || id < 0 || id >= size);
    if (wrong !== undefined) {
      throw new RangeError(`Cannot decode: need ids below ${size}: ${wrong}`);
    }
    return within(module, () => decodedText(name, own.decode(ids)));
  };
  let isFirst = true;
  return {
    kind: "user",
    size,
    end,
    unknown: undefined,
    encode: (whole) =>
      within(module, () => {
        if (isFirst && whole !== "") {
          requireRepeatable(name, own, whole);
          isFirst = false;
        }
        return idsOf(name, own, whole);
      }),
    decode: (ids) => text(Array.from(ids)),
    stream: () => streamOf(text),
    // Nothing is known of where a text may be cut.
    cut: () => 0,
    toJSON: () => spec,
  };
}

/** Decodes all tokens so far and gives what is new: a token's text may depend on others. */
function streamOf(text: (ids: readonly number[]) => string): TokenStream {
  let ids: number[] = [];
  let given = "";
  const rest = () => {
    const whole = text(ids);
    return whole.startsWith(given) ? whole.slice(given.length) : "";
  };
  return {
    push(id) {
      ids.push(id);
      const part = rest();
      // An incomplete character waits for its other bytes.
      if (part.endsWith("\ufffd")) return "";
      given += part;
      return part;
    },
    flush() {
      const part = rest();
      ids = [];
      given = "";
      return part;
    },
  };
}

/** Names the module in errors of its functions, in one line. */
function within<T>(module: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const line = error instanceof Error ? error.message.split("\n", 1)[0] : String(error);
    throw new UserError("data", `Cannot use the tokenizer of ${module}: ${line}`);
  }
}
