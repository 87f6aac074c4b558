/**
 * GPT-2's tokens by one library, in a process of its own: how exact, how fast, how much memory.
 * Prints one line of JSON. The strings and their ids are those of tests/golden/gpt2_ids.json.
 */
import { mobyDick } from "../../src/data/moby_dick.ts";

/** Encodes without special tokens. */
type Encode = (text: string) => ArrayLike<number>;

/** Imports a library and gives what opens it; only that is timed. */
const OPEN: Readonly<Record<string, () => Promise<() => Encode>>> = {
  async shoal() {
    const { gpt2Tokenizer } = await import("../../src/data/tokenizers/bpe/gpt2.ts");
    return () => gpt2Tokenizer().encode;
  },
  async "@huggingface/tokenizers"() {
    const { Tokenizer } = await import("@huggingface/tokenizers");
    const { gpt2Tokenizer } = await import("../../src/data/tokenizers/bpe/gpt2.ts");
    const { toHuggingFace } = await import("../../src/data/tokenizers/huggingface.ts");
    const json = toHuggingFace(gpt2Tokenizer())["tokenizer.json"];
    // Without the special token, whose name in a text it would take for it.
    return () => {
      const library = new Tokenizer({ ...json, added_tokens: [] }, {});
      return (text) => library.encode(text, { add_special_tokens: false }).ids;
    };
  },
  async "js-tiktoken"() {
    const { Tiktoken } = await import("js-tiktoken/lite");
    const { default: ranks } = await import("js-tiktoken/ranks/gpt2");
    return () => {
      const library = new Tiktoken(ranks);
      return (text) => library.encode(text, [], []);
    };
  },
  async "gpt-tokenizer"() {
    const { encode } = await import("gpt-tokenizer/encoding/r50k_base");
    const options = { allowedSpecial: new Set<string>(), disallowedSpecial: new Set<string>() };
    return () => (text) => encode(text, options);
  },
};

/** Units of text per call: libraries that give plain lists take no whole book well. */
const PART = 1 << 16;
const ROUNDS = 5;

const name = Deno.args[0] ?? "";
const open = OPEN[name];
if (open === undefined) {
  console.error(`Cannot run ${name}: need one of ${Object.keys(OPEN).join(", ")}`);
  Deno.exit(64);
}
const golden: { strings: [string, number[]][] } = JSON.parse(
  await Deno.readTextFile(new URL("../../tests/golden/gpt2_ids.json", import.meta.url)),
);
const text = await mobyDick();
const make = await open();
const loadStart = performance.now();
const encode = make();
encode("x");
const loadMs = performance.now() - loadStart;
const megabytes = new TextEncoder().encode(text).length / 1e6;
const speeds = Array.from({ length: ROUNDS }, () => {
  const start = performance.now();
  for (let i = 0; i < text.length; i += PART) encode(text.slice(i, i + PART));
  return megabytes / (performance.now() - start) * 1e3;
});
const { rss } = Deno.memoryUsage();
const wrong = golden.strings.filter(([string, ids]) => String(idsOf(string)) !== String(ids));
console.log(JSON.stringify({
  name,
  load_ms: loadMs,
  first: speeds[0],
  again: speeds.slice(1).sort((a, b) => a - b)[Math.floor((ROUNDS - 1) / 2)],
  rss_mb: rss / 1e6,
  strings: golden.strings.length,
  wrong: wrong.length,
}));

function idsOf(string: string): number[] {
  return Array.from(encode(string));
}
