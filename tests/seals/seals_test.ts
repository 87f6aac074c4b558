/** Files of plain values that later commands decide by: a bit that flips there decides nothing. */
import { assert, assertEquals, assertGreater } from "@std/assert";
import { hashValue, sealed } from "../../src/base/hash.ts";
import { UserError } from "../../src/base/user_error.ts";
import { parseFit } from "../../src/budget/prediction.ts";
import { readTrial } from "../../src/cli/sweep/trial_folder.ts";
import { parseJson } from "../../src/data/prepared/folder.ts";
import { indexSchema } from "../../src/data/prepared/schema.ts";
import { progressSchema } from "../../src/prepare/schema.ts";
import { summaryOf } from "../../src/report/summary.ts";
import { readTrials } from "../../src/scaling/read.ts";
import { TempFolder } from "../checkpoint/fixture.ts";

const HASH = hashValue("x");

const side = {
  tokens: 9000,
  documents: 12,
  characters: 40_000,
  bytes: 40_400,
  unknown: 3,
  shards: [{ file: "train-00000.tokens", tokens: 9000, crc: 77 }],
};
const prepared = {
  tokenizer: { hash: HASH, vocabulary: 1024 },
  options: {
    tokenizer: "bpe:1024",
    tokenizerFile: null,
    validation: 0.1,
    field: "text",
    ends: true,
    documentEnd: null,
    shardTokens: 2 ** 26,
  },
};
const input = { name: "a.txt", bytes: 40_404, modified: 1.5e12, sha256: HASH };

const law = { E: 1.69, A: 406.4, B: 410.7, alpha: 0.34, beta: 0.285 };

/** Values as they are written, and the readers that later commands use. */
const FILES: readonly {
  readonly name: string;
  readonly value: object;
  readonly read: (text: string) => unknown;
}[] = [
  {
    name: "summary.json of a trial",
    value: summaryOf({
      steps: 100,
      loss: 2.5,
      valLoss: 2.625,
      tokens: 6400,
      tokensPerS: 123.5,
      params: 12_345,
      workers: 2,
      adapter: "reference",
      stateHash: HASH,
      seconds: 80.5,
    }),
    read(text) {
      using temp = new TempFolder();
      Deno.writeTextFileSync(`${temp.path}/summary.json`, text);
      const { valLosses: _, ...reading } = readTrial(temp.path);
      // One that is no JSON is of a trial that was killed: it ends again.
      return reading.steps === 0 ? undefined : reading;
    },
  },
  {
    name: "a row of trials.jsonl",
    value: {
      key: "k",
      name: "width 16",
      status: "done",
      params: { all: 1000, no_embedding: 900, matrices: 800 },
      tokens: 64_000,
      flops: 6e9,
      loss: 2.5,
      val_loss: 2.625,
    },
    read: (text) => readTrials(text, { path: "trials.jsonl", loss: "val" }),
  },
  {
    name: "scaling.json",
    value: {
      format: "shoal scaling 1",
      source: { params: "all", loss: "val" },
      chinchilla: {
        estimates: Object.fromEntries(
          Object.entries(law).map(([name, value]) => [name, { value }]),
        ),
        quality: { leave_one_out_rms: 0.01 },
      },
      range: { params: [1e6, 1e9], tokens: [1e8, 1e12] },
      draws: [Object.values(law)],
    },
    read: (text) => parseFit(text, "scaling.json"),
  },
  {
    name: "index.json of a prepared folder",
    value: {
      format: "shoal-tokens-1",
      hash: HASH,
      ...prepared,
      inputs: [input],
      train: { ...side, hash: HASH },
      validation: { ...side, hash: HASH },
    },
    read: (text) => parseJson("index.json", { text, schema: indexSchema }),
  },
  {
    name: "progress.json of a preparation",
    value: {
      format: "shoal-prepare-1",
      ...prepared,
      inputs: [{ ...input, extent: { start: 0, cut: 36_000, end: 40_404 } }],
      position: { input: 0, offset: 20_000 },
      train: { ...side, chain: HASH },
      validation: { ...side, chain: HASH },
    },
    read: (text) => parseJson("progress.json", { text, schema: progressSchema }),
  },
];

/** How many of the flips of single bits give another value than was written, and no refusal. */
function unnoticed(text: string, read: (text: string) => unknown): number {
  const whole = read(text);
  const bytes = new TextEncoder().encode(text);
  let count = 0;
  for (const [i, byte] of bytes.entries()) {
    for (const bit of [0, 1, 3, 6]) {
      bytes[i] = byte ^ (1 << bit);
      try {
        const found = read(new TextDecoder().decode(bytes));
        if (found !== undefined && hashValue(found) !== hashValue(whole)) count++;
      } catch (error) {
        assert(error instanceof UserError, `byte ${i}, bit ${bit}: ${error}`);
        assertEquals(error.message.includes("\n"), false);
      }
    }
    bytes[i] = byte;
  }
  return count;
}

for (const { name, value, read } of FILES) {
  Deno.test(`a bit that flips is refused, or changes no value: ${name}`, () => {
    const text = JSON.stringify(sealed(value)) + "\n";
    // Files of versions without a seal are read as they are, and show what it is for.
    const bare = JSON.stringify(value) + "\n";
    assertEquals(read(text), read(bare));
    assertEquals(unnoticed(text, read), 0);
    assertGreater(unnoticed(bare, read), 10);
  });
}
