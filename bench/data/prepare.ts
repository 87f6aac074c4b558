/**
 * Throughput and peak memory of preparing token shards, one process per row, on up to 1 GB of text;
 * then the read throughput of windows.
 */
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { mobyDick } from "../../src/data/moby_dick.ts";
import { openTokens } from "../../src/data/prepared/tokens.ts";
import { verifyPrepared } from "../../src/data/prepared/verify.ts";
import type { Prepared } from "./prepare_child.ts";
import type { Report, Section } from "../report.ts";
import { fixed } from "../table.ts";
import type { Filter } from "../filter.ts";
import { secondsOf } from "../time.ts";

/** Bytes of the large text, and of the small ones. */
const LARGE = 1e9;
const SMALL = 2e8;
/** Tokens per window read. */
const WINDOW = 1024;
const READS = 5000;

/** The rows: file and tokenizer. */
const RUNS: readonly (readonly [file: string, tokenizer: string])[] = [
  ["large.txt", "char"],
  ["large.txt", "byte"],
  ["large.txt", "gpt2"],
  ["small.txt", "word:50000"],
  ["large.txt", "bpe:4096"],
  ["small.txt.gz", "byte"],
  ["small.jsonl", "byte"],
];

/** Prepares the rows whose name contains `filter`. */
export async function benchPrepare({ filter, doing }: Filter): Promise<Report> {
  const folder = await Deno.makeTempDir({ prefix: "shoal-bench-" });
  try {
    await writeFiles(folder);
    const rows: string[][] = [];
    for (const [file, tokenizer] of RUNS) {
      if (!`${tokenizer} ${file}`.includes(filter)) continue;
      doing?.(`${tokenizer} ${file}`);
      rows.push(await prepareRow(folder, { file, tokenizer }));
    }
    return { what: "prepare", sections: [preparing(rows), await reading(folder)] };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function preparing(rows: readonly string[][]): Section {
  return {
    title: "Files to shards, a process each",
    table: [
      ["tokenizer and file", "MB", "s", "MB/s", "M tokens", "peak RSS MB", "again s"],
      ...rows,
    ],
    notes: [
      "large.txt: words of Moby Dick drawn at random, and in every twentieth place letters that " +
      "make no word, so that nothing is known by heart; a jsonl line holds a paragraph of it",
      "MB/s: of text, both looks at it together, tokenizer made and shards synced; MB: of text",
      "again: the same call once more, which finds nothing to do",
    ],
  };
}

async function prepareRow(
  folder: string,
  { file, tokenizer }: { file: string; tokenizer: string },
): Promise<string[]> {
  const out = join(folder, "out");
  const child = new URL("./prepare_child.ts", import.meta.url).href;
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--no-prompt",
      "--allow-all",
      // The heap flags of the task `prepare`, which return memory sooner.
      "--v8-flags=--max-semi-space-size=4,--heap-growing-percent=30",
      child,
      join(folder, file),
      out,
      tokenizer,
    ],
    stderr: "inherit",
  }).output();
  if (!success) throw new Error(`Cannot bench ${tokenizer} on ${file}: its process failed`);
  const said: Prepared = JSON.parse(new TextDecoder().decode(stdout));
  const megabytes = (file.startsWith("large") ? LARGE : SMALL) / 1e6;
  const keep = tokenizer === "byte" && file === "large.txt";
  if (keep) await Deno.rename(out, join(folder, "kept"));
  else await Deno.remove(out, { recursive: true });
  return [
    `${tokenizer} ${file}`,
    String(megabytes),
    fixed(said.seconds),
    fixed(megabytes / said.seconds),
    fixed(said.tokens / 1e6),
    fixed(said.rss),
    fixed(said.again),
  ];
}

/** Read throughput of the large text by bytes. */
async function reading(folder: string): Promise<Section> {
  const kept = join(folder, "kept");
  if (!await Deno.stat(kept).then(() => true, () => false)) {
    await prepareRow(folder, { file: "large.txt", tokenizer: "byte" });
  }
  using tokens = openTokens(kept, "train");
  const window = new Uint32Array(WINDOW);
  let at = 1;
  const random = () => {
    at = (at * 48271) % 0x7fffffff;
    tokens.read(Math.floor(at / 0x7fffffff * (tokens.length - WINDOW)), window);
  };
  const many = async () =>
    await secondsOf(() => {
      for (let i = 0; i < READS; i++) random();
    }) / READS * 1e6;
  const first = await many();
  const checked = await secondsOf(() => {
    for (let start = 0; start + WINDOW <= tokens.length; start += WINDOW) {
      tokens.read(start, window);
    }
  });
  const warm = await many();
  const verified = await secondsOf(() => verifyPrepared(kept));
  return {
    title: `Windows of ${WINDOW} tokens from shards of ${fixed(tokens.length / 1e6)} M tokens`,
    table: [
      ["what", "value", "unit"],
      ["at random, blocks not checked yet", fixed(first), "us"],
      ["at random, blocks checked", fixed(warm), "us"],
      ["in order, blocks checked on the way", fixed(tokens.length / checked / 1e6), "M tokens/s"],
      ["all of a folder by --check", fixed(tokens.length / verified / 1e6), "M tokens/s"],
    ],
  };
}

async function writeFiles(folder: string): Promise<void> {
  const paragraphs = paragraphsOf(await mobyDick());
  const encoder = new TextEncoder();
  const write = (name: string, options: { bytes: number; line: (text: string) => string }) => {
    using file = Deno.openSync(join(folder, name), { write: true, create: true });
    for (let left = options.bytes; left > 0;) {
      const lines = Array.from({ length: 2000 }, () => options.line(paragraphs.next().value));
      const bytes = encoder.encode(lines.join("")).subarray(0, left);
      for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
      left -= bytes.length;
    }
  };
  write("large.txt", { bytes: LARGE, line: (text) => text });
  write("small.txt", { bytes: SMALL, line: (text) => text });
  const small = Deno.readFileSync(join(folder, "small.txt"));
  Deno.writeFileSync(join(folder, "small.txt.gz"), gzipSync(small, { level: 6 }));
  const lines = new TextDecoder().decode(small).split("\n").filter((text) => text !== "");
  const json = lines.map((text) => JSON.stringify({ text }) + "\n").join("");
  Deno.writeTextFileSync(join(folder, "small.jsonl"), json);
}

/** An endless, deterministic stream of lines of about a hundred words. */
function* paragraphsOf(text: string): Generator<string, never> {
  // ASCII, so that any byte is a valid split.
  // deno-lint-ignore no-control-regex
  const words = text.replaceAll(/[^\x00-\x7f]/g, "'").split(/\s+/).filter((word) => word !== "");
  let state = 1;
  const next = (n: number) => {
    state = (state * 48271) % 0x7fffffff;
    return state % n;
  };
  const made = () =>
    Array.from({ length: 2 + next(9) }, () => String.fromCharCode(97 + next(26))).join("");
  for (;;) {
    const line = Array.from(
      { length: 50 + next(100) },
      () => next(20) === 0 ? made() : words[next(words.length)] as string,
    );
    yield line.join(" ") + "\n";
  }
}
