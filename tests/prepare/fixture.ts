/** Folders of texts that are prepared and read back. */
import { gzipSync } from "node:zlib";
import { readIndex, type TextPart } from "../../src/data/prepared/folder.ts";
import { openPrepared } from "../../src/data/prepared/open.ts";
import type { PreparedIndex } from "../../src/data/prepared/schema.ts";
import { openTokens } from "../../src/data/prepared/tokens.ts";
import {
  prepare,
  type PrepareHooks,
  type PrepareOutcome,
  type PrepareRequest,
} from "../../src/prepare/prepare.ts";
import { mkfifo } from "../support/pipe.ts";

/** A temporary folder, removed at the end. */
export class Desk implements Disposable {
  readonly path: string = Deno.makeTempDirSync({ prefix: "shoal-prepare-" });

  /** Path of something in the folder. */
  of(name: string): string {
    return `${this.path}/${name}`;
  }

  /** Writes a file, packed where its name says so, and gives its path. */
  write(name: string, content: string | Uint8Array): string {
    const path = this.of(name);
    Deno.mkdirSync(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    Deno.writeFileSync(path, name.endsWith(".gz") ? gzipSync(bytes) : bytes);
    return path;
  }

  /** Makes a named pipe and gives its path. */
  pipe(name: string): string {
    mkfifo(this.of(name));
    return this.of(name);
  }

  /** Prepares files of this folder into its folder `out`. */
  prepare(
    names: readonly string[],
    { out = "out", ...options }: Partial<PrepareRequest> = {},
    hooks: PrepareHooks = {},
  ): Promise<PrepareOutcome> {
    return prepare({
      names: names.map((name) => this.of(name)),
      out: this.of(out),
      tokenizer: "char",
      validation: 0.1,
      ...options,
    }, hooks);
  }

  /** The index of a prepared folder here. */
  index(out = "out"): PreparedIndex {
    return readIndex(this.of(out));
  }

  /** All tokens of a side. */
  tokens(part: TextPart, out = "out"): Uint32Array {
    using tokens = openTokens(this.of(out), part);
    const all = new Uint32Array(tokens.length);
    tokens.read(0, all);
    return all;
  }

  /** The documents of a side as texts; what is behind the last end token is one as well. */
  documents(part: TextPart, out = "out"): string[] {
    const { tokenizer } = openPrepared(this.of(out));
    const all = [...this.tokens(part, out)];
    const documents: string[] = [];
    for (let from = 0; from < all.length;) {
      const to = tokenizer.end === undefined ? -1 : all.indexOf(tokenizer.end, from);
      documents.push(tokenizer.decode(all.slice(from, to < 0 ? all.length : to)));
      from = to < 0 ? all.length : to + 1;
    }
    return documents;
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}

/** Everything in a folder by name, without what is hidden; nothing where there is no folder. */
export function contents(path: string): Map<string, string> {
  if (!isThere(path)) return new Map();
  const names = Array.from(Deno.readDirSync(path), ({ name }) => name)
    .filter((name) => !name.startsWith(".")).sort();
  return new Map(names.map((name) => [name, Deno.readFileSync(`${path}/${name}`).toBase64()]));
}

function isThere(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

/** Lines of words and other characters, the same for the same number. */
export function someText(lines: number, seed = 1): string {
  let state = seed;
  const next = (n: number) => {
    state = (state * 48271) % 0x7fffffff;
    return state % n;
  };
  const words = ["whale", "sea", "ü", "ship", "🐋", "and", "the", "日本", "a", "of", "\t"];
  return Array.from(
    { length: lines },
    () => Array.from({ length: 1 + next(12) }, () => words[next(words.length)]).join(" ") + "\n",
  ).join("");
}

/** Lines of JSON with a text each. */
export function jsonLines(texts: readonly string[], field = "text"): string {
  return texts.map((text, id) => JSON.stringify({ id, [field]: text }) + "\n").join("");
}
