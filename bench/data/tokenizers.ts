/**
 * Encoding and decoding throughput: GPT-2's tokenizer compared with other libraries, then all
 * kinds. Megabytes of UTF-8.
 */
import { fileURLToPath } from "node:url";
import { UserError } from "../../src/base/user_error.ts";
import { mobyDick } from "../../src/data/moby_dick.ts";
import { tokenizerBuilder } from "../../src/data/tokenizers/build.ts";
import type { Tokenizer } from "../../src/data/tokenizers/types.ts";
import type { Report, Section } from "../report.ts";
import { fixed } from "../table.ts";
import { medianSeconds, secondsOf } from "../time.ts";

/** Ours first, then the others. */
const LIBRARIES = ["shoal", "@huggingface/tokenizers", "js-tiktoken", "gpt-tokenizer"];

const KINDS = ["char", "byte", "word", "gpt2", "bpe:4096"];

const ROUNDS = 5;

/** Output of bench/peers/tokenizers.ts. */
interface Peer {
  readonly load_ms: number;
  readonly first: number;
  readonly again: number;
  readonly rss_mb: number;
  readonly strings: number;
  readonly wrong: number;
}

/** Times libraries and kinds whose names contain `filter`. */
export async function benchTokenizers({ filter }: { filter: string }): Promise<Report> {
  const text = await mobyDick();
  return {
    what: "tokenizers",
    sections: [await libraries(filter), await kinds(text, filter), await learning(text)],
  };
}

async function libraries(filter: string): Promise<Section> {
  const rows: string[][] = [];
  let strings = 0;
  for (const name of LIBRARIES.filter((library) => library.includes(filter))) {
    const peer = await runPeer(name);
    strings = peer.strings;
    const { first, again, load_ms, rss_mb } = peer;
    rows.push([name, ...[first, again, load_ms, rss_mb].map(fixed), String(peer.wrong)]);
  }
  return {
    title: "GPT-2's tokens of Moby Dick, a process each",
    table: [["library", "first MB/s", "again MB/s", "open ms", "RSS MB", "wrong"], ...rows],
    notes: [
      "first: the first pass over the text; again: the median of four more, when pieces are known",
      "open: tables made and a first id; RSS: of the whole process, after all passes; that of " +
      "@huggingface/tokenizers holds our tables too, from which its file is made",
      `wrong: of ${strings} strings of tests/golden/gpt2_ids.json those with other ids than the ` +
      "published encoder's; special tokens are off in all libraries",
    ],
  };
}

async function kinds(text: string, filter: string): Promise<Section> {
  const megabytes = new TextEncoder().encode(text).length / 1e6;
  const rows: string[][] = [];
  for (const name of KINDS.filter((kind) => kind.includes(filter))) {
    const tokenizer = build(name, [text]);
    const ids = tokenizer.encode(text);
    const encode = await medianSeconds(() => tokenizer.encode(text), ROUNDS);
    const decode = await medianSeconds(() => tokenizer.decode(ids), ROUNDS);
    rows.push([
      name,
      String(tokenizer.size),
      fixed(megabytes / encode),
      fixed(megabytes / decode),
      fixed(megabytes * 1e6 / ids.length),
    ]);
  }
  return {
    title: "All kinds on Moby Dick, in one process",
    table: [["kind", "tokens", "encode MB/s", "decode MB/s", "bytes per token"], ...rows],
  };
}

/** Ten megabytes: copies of the book with some words varied. */
async function learning(text: string): Promise<Section> {
  const pieces = Array.from({ length: 8 }, (_, i) => text.replaceAll("wh", `wh${i}`));
  const megabytes = pieces.reduce((sum, piece) => sum + piece.length, 0) / 1e6;
  const seconds = await secondsOf(() => build("bpe:4096", pieces));
  return {
    title: "Learning bpe:4096",
    table: [["text MB", "seconds"], [fixed(megabytes), fixed(seconds)]],
  };
}

function build(name: string, pieces: readonly string[]): Tokenizer {
  const builder = tokenizerBuilder(name, { end: true });
  if (builder.needsText) { for (const piece of pieces) builder.add(piece); }
  return builder.build();
}

async function runPeer(name: string): Promise<Peer> {
  const config = fileURLToPath(new URL("../peers/deno.json", import.meta.url));
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["task", "--quiet", "--config", config, "tokenizers", name],
    stdout: "piped",
    stderr: "piped",
  }).output();
  if (code === 0) return JSON.parse(new TextDecoder().decode(stdout));
  const why = new TextDecoder().decode(stderr).trim().split("\n").at(-1);
  throw new UserError(
    "noInput",
    `Cannot run the peer (bench/peers): it ended with ${code}: ${why}`,
  );
}
