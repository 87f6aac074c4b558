/** Rows end where they should, and do not depend on the rows beside them. */
import { assertEquals } from "@std/assert";
import { normals } from "../../src/base/random.ts";
import { byteTokenizer } from "../../src/data/tokenizers/byte.ts";
import { GenerationRow } from "../../src/generate/row.ts";
import type { RowParts, Taken } from "../../src/generate/row.ts";
import { drawRows } from "../../src/generate/rows.ts";
import type { Feeder } from "../../src/generate/rows.ts";
import { rowKey } from "../../src/generate/uniform.ts";

const TOKENIZER = byteTokenizer({ end: true });
const V = TOKENIZER.size;

/** A model whose logits depend on the tokens of their own row alone; counts what it was fed. */
class Echo implements Feeder {
  readonly rows: number;
  readonly fed: number[] = [];
  #state: number[] = [];
  readonly #logits: (state: number) => Float32Array;

  constructor(rows: number, logits: (state: number) => Float32Array) {
    this.rows = rows;
    this.#logits = logits;
  }

  reset(): void {
    this.#state = Array.from({ length: this.rows }, () => 0);
  }

  feed(tokens: Uint32Array): Promise<Float32Array> {
    const n = tokens.length / this.rows;
    this.fed.push(n);
    this.#state = this.#state.map((state, r) =>
      tokens.subarray(r * n, (r + 1) * n).reduce((s, id) => Math.imul(s, 31) + id | 0, state)
    );
    const out = new Float32Array(this.rows * V);
    this.#state.forEach((state, r) => out.set(this.#logits(state), r * V));
    return Promise.resolve(out);
  }
}

/** Logits from a generator, letters above all else. */
const noise = (state: number) =>
  normals([state >>> 0, 5], V).map((x, i) => i >= 97 && i < 123 ? x : x - 20);

/** Logits that spell a text behind the prompt "p", one byte per token, and then the end. */
function spelling(text: string): (state: number) => Float32Array {
  const ids = [...TOKENIZER.encode(text), TOKENIZER.end as number];
  const states = new Map<number, number>();
  let state = 112;
  for (const id of ids) {
    states.set(state, id);
    state = Math.imul(state, 31) + id | 0;
  }
  return (at) => new Float32Array(V).map((_, i) => i === states.get(at) ? 50 : 0);
}

function rowOf(parts: Partial<RowParts> = {}): GenerationRow {
  return new GenerationRow({
    key: rowKey(1, 0),
    prompt: TOKENIZER.encode("p"),
    sampling: { temperature: 1 },
    tokens: 12,
    stops: [],
    end: TOKENIZER.end,
    stream: TOKENIZER.stream(),
    ...parts,
  });
}

/** Texts of rows, their tokens, and why each ended. */
async function draw(
  model: Feeder,
  rows: GenerationRow[],
  options: { signal?: AbortSignal; each?: () => void } = {},
): Promise<{ texts: string[]; tokens: Taken[][]; ends: (string | undefined)[] }> {
  const texts = rows.map(() => "");
  const tokens: Taken[][] = rows.map(() => []);
  await drawRows(model, rows, {
    prompt: TOKENIZER.encode("p"),
    ...(options.signal && { signal: options.signal }),
    taken(r, taken) {
      texts[r] += taken.text;
      tokens[r]?.push(taken);
      options.each?.();
    },
    ended: (r, rest) => texts[r] += rest,
  });
  return { texts, tokens, ends: rows.map((row) => row.ended) };
}

Deno.test("drawRows() draws each row as if it were alone", async () => {
  const rows = () => [0, 1, 2].map((r) => rowOf({ key: rowKey(1, r), tokens: 8 + r }));
  const together = await draw(new Echo(3, noise), rows());
  assertEquals(new Set(together.texts).size, 3);
  assertEquals(together.texts.map((text) => text.length), [8, 9, 10]);
  for (const [r, row] of rows().entries()) {
    const alone = await draw(new Echo(1, noise), [row]);
    assertEquals(alone.texts[0], together.texts[r]);
    assertEquals(alone.tokens[0], together.tokens[r]);
  }
  const fewer = await draw(new Echo(8, noise), rows());
  assertEquals(fewer.texts, together.texts);
});

Deno.test("drawRows() feeds the prompt once, then one token at a time, and none in vain", async () => {
  const model = new Echo(1, noise);
  await draw(model, [rowOf({ tokens: 5 })]);
  assertEquals(model.fed, [1, 1, 1, 1, 1]);
});

Deno.test("a row ends at the end token and does not show it", async () => {
  const { texts, tokens, ends } = await draw(new Echo(1, spelling("whale")), [rowOf()]);
  assertEquals([texts, ends], [["whale"], ["end"]]);
  assertEquals(tokens[0]?.length, 6);
  const free = await draw(new Echo(1, spelling("whale")), [
    rowOf({ end: undefined, tokens: 5 }),
  ]);
  assertEquals([free.texts, free.ends], [["whale"], ["length"]]);
});

Deno.test("a row ends before a stop text that lies in several tokens", async () => {
  const { texts, ends } = await draw(new Echo(1, spelling("a whale swims")), [
    rowOf({ stops: ["hale", "zz"] }),
  ]);
  assertEquals([texts, ends], [["a w"], ["stop"]]);
  const near = await draw(new Echo(1, spelling("a whale")), [rowOf({ stops: ["whales"] })]);
  assertEquals([near.texts, near.ends], [["a whale"], ["end"]]);
});

Deno.test("a row shows characters once they are whole, and what is left of one at the end", async () => {
  const whole = await draw(new Echo(1, spelling("é漢")), [rowOf()]);
  assertEquals(whole.tokens[0]?.map(({ text }) => text), ["", "é", "", "", "漢", ""]);
  const broken = await draw(new Echo(1, spelling("é漢")), [rowOf({ tokens: 4 })]);
  assertEquals(broken.texts, ["é\ufffd"]);
});

Deno.test("a row's penalty counts the prompt and what it drew itself", async () => {
  // The likeliest token is the same everywhere: only a penalty makes greedy rows change.
  const flat = () => new Float32Array(V).map((_, i) => 10 - i / 100);
  const greedy = async (penalty: number) => {
    const row = rowOf({
      sampling: { temperature: 0, penalty },
      prompt: Uint32Array.of(0),
      tokens: 3,
    });
    const { tokens } = await draw(new Echo(1, flat), [row]);
    return tokens[0]?.map(({ id }) => id);
  };
  assertEquals(await greedy(1), [0, 0, 0]);
  assertEquals(await greedy(2), [1, 2, 3]);
});

Deno.test("drawRows() ends all rows with what they have when it is told to", async () => {
  const controller = new AbortController();
  let tokens = 0;
  const each = () => {
    if (++tokens === 6) controller.abort();
  };
  const rows = [rowOf(), rowOf({ key: rowKey(1, 1) })];
  const { texts, ends } = await draw(new Echo(2, noise), rows, {
    signal: controller.signal,
    each,
  });
  assertEquals(texts.map((text) => text.length), [3, 3]);
  assertEquals(ends, [undefined, undefined]);
});

Deno.test("drawRows() draws none of the logits that stand for no token", async () => {
  const last = () => Float32Array.from({ length: V }, (_, i) => i);
  const row = rowOf({ sampling: { temperature: 0 }, tokens: 2, end: undefined });
  const ids: number[] = [];
  await drawRows(new Echo(1, last), [row], {
    prompt: TOKENIZER.encode("p"),
    known: 100,
    taken: (_, { id }) => ids.push(id),
    ended: () => {},
  });
  assertEquals(ids, [99, 99]);
});
