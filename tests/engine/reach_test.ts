/** Gradient norms by distance, against finite differences of an independent f64 network. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { IGNORE } from "../../src/base/ignore.ts";
import { foldName, rootKey } from "../../src/base/random.ts";
import type { RunConfig, RunInput } from "../../src/config/schema.ts";
import type { TokenBatch } from "../../src/data/source.ts";
import { taskOf } from "../../src/data/sources/mod.ts";
import { textIn } from "../../src/data/text.ts";
import { charTokenizer } from "../../src/data/tokenizers/char.ts";
import { openReference } from "../../src/device/reference.ts";
import type { Direction, Reach } from "../../src/report/events.ts";
import { linesOf } from "../../src/report/lines.ts";
import { metricsLine } from "../../src/report/metrics.ts";
import { type Corpus, sourceIn } from "../../src/corpus/corpus.ts";
import { directionsOf, shapeOf } from "../../src/engine/plans.ts";
import { fullest, packReach, spansOf, unpackReach } from "../../src/engine/reach.ts";
import { Replica } from "../../src/engine/replica.ts";
import { lockstep } from "../support/lockstep.ts";
import { beginsIn } from "../support/documents.ts";
import { tinyRecurrent } from "../support/recurrent.ts";

const TEXT = "The Whale. A sea - Nantucket, And Then ";

/** The text in documents of three letters that end with a dot. */
const SHORT = "Ab.cde.Fgh.ij.K.lmno.pq.rs.t.uvw.xy.z.";

function corpusOf(config: RunConfig, text: string): Corpus {
  const tokenizer = charTokenizer(text);
  const tokens = tokenizer.encode(text.repeat(4));
  const parts = { train: tokens, validation: tokens.subarray(0, 2 * text.length) };
  const begins = config.data.document_end === null
    ? undefined
    : beginsIn(parts, [...tokenizer.encode(".")]);
  return { texts: [textIn(parts, { begins })], vocabulary: tokenizer.size, tokenizer };
}

/** A tanh network of the given layers, in f64 and plain loops. */
class Network {
  readonly #params: ReadonlyMap<string, readonly number[]>;
  readonly #model: RunConfig["model"] & { kind: "recurrent" };

  constructor(config: RunConfig, params: ReadonlyMap<string, readonly number[]>) {
    assert(config.model.kind === "recurrent" && config.model.cell === "rnn_tanh");
    this.#model = config.model;
    this.#params = params;
  }

  #param(name: string): readonly number[] {
    const values = this.#params.get(name);
    assert(values !== undefined, name);
    return values;
  }

  /** Outputs of a direction of a layer; `bend` is added to its state after position `at`. */
  #read(
    x: readonly (readonly number[])[],
    { suffix, reverse, bend }: { suffix: string; reverse: boolean; bend?: Bend | undefined },
  ): number[][] {
    const { width } = this.#model;
    const [wih, whh] = [`rnn.weight_ih${suffix}`, `rnn.weight_hh${suffix}`].map((n) =>
      this.#param(n)
    );
    const [bih, bhh] = [`rnn.bias_ih${suffix}`, `rnn.bias_hh${suffix}`].map((n) => this.#param(n));
    const order = x.map((_, t) => reverse ? x.length - 1 - t : t);
    const y: number[][] = x.map(() => []);
    let h = new Array<number>(width).fill(0);
    for (const t of order) {
      const input = x[t] ?? [];
      h = h.map((_, j) => {
        let sum = (bih?.[j] ?? NaN) + (bhh?.[j] ?? NaN);
        input.forEach((value, i) => sum += value * (wih?.[j * input.length + i] ?? NaN));
        h.forEach((value, i) => sum += value * (whh?.[j * width + i] ?? NaN));
        return Math.tanh(sum);
      });
      if (bend?.at === t) h = h.map((value, j) => j === bend.unit ? value + bend.by : value);
      y[t] = h;
    }
    return y;
  }

  /** The loss of one target; the last layer's states are bent in one direction. */
  loss(
    tokens: readonly number[],
    { position, target, bend }: { position: number | "mean"; target: number; bend: Bend },
  ): number {
    const { layers, width, bidirectional } = this.#model;
    const table = this.#param("tokens.weight");
    let x = tokens.map((id) => table.slice(id * width, (id + 1) * width));
    for (let layer = 0; layer < layers; layer++) {
      const isBent = (direction: Direction) => layer === layers - 1 && bend.direction === direction;
      const given = x;
      const read = (direction: Direction) =>
        this.#read(given, {
          suffix: `_l${layer}${direction === "backward" ? "_reverse" : ""}`,
          reverse: direction === "backward",
          bend: isBent(direction) ? bend : undefined,
        });
      const forward = read("forward");
      const backward = bidirectional ? read("backward") : undefined;
      x = forward.map((y, t) => [...y, ...backward?.[t] ?? []]);
    }
    const seen = position === "mean"
      ? (x[0] ?? []).map((_, j) => x.reduce((sum, y) => sum + (y[j] ?? NaN), 0) / x.length)
      : x[position] ?? [];
    const [weight, bias] = [this.#param("head.weight"), this.#param("head.bias")];
    const logits = bias.map((b, k) =>
      seen.reduce((sum, y, j) => sum + y * (weight[j * bias.length + k] ?? NaN), b)
    );
    return Math.log(logits.reduce((sum, z) => sum + Math.exp(z), 0)) - (logits[target] ?? NaN);
  }
}

/** A perturbation of one unit of the state after a position. */
interface Bend {
  readonly direction: Direction;
  readonly at: number;
  readonly unit: number;
  readonly by: number;
}

const STEP = 1e-4;

/** The reach of a batch by central differences. */
function differences(
  network: Network,
  batch: TokenBatch,
  { config, direction }: { config: RunConfig; direction: Direction },
): Reach {
  const { time, targetKind } = taskOf(config.data, 0);
  assert(config.model.kind === "recurrent");
  const { width, readout } = config.model;
  const squares = new Array<number>(time).fill(0);
  const windows = new Array<number>(time).fill(0);
  for (let b = 0; b * time < batch.tensors.tokens.length; b++) {
    const tokens = [...batch.tensors.tokens.subarray(b * time, (b + 1) * time)];
    const targets = targetKind === "sequence_class"
      ? []
      : [...batch.tensors.targets.subarray(b * time, (b + 1) * time)];
    const positions = targets.flatMap((target, p) => target === IGNORE ? [] : [p]);
    const label = batch.tensors.targets[b] as number;
    const [first, last] = targetKind === "sequence_class"
      ? [0, time - 1]
      : [positions[0], positions.at(-1)];
    if (
      first === undefined || last === undefined ||
      (targetKind === "sequence_class" && label === IGNORE)
    ) {
      continue;
    }
    const at = direction === "forward" ? last : first;
    const position = targetKind !== "sequence_class" ? at : readout === "mean" ? "mean" : time - 1;
    const target = targetKind === "sequence_class" ? label : targets[at] as number;
    const path = direction === "forward"
      ? Array.from({ length: last + 1 }, (_, k) => last - k)
      : Array.from({ length: last + 1 - first }, (_, k) => first + k);
    path.forEach((t, back) => {
      for (let unit = 0; unit < width; unit++) {
        const bent = (by: number) =>
          network.loss(tokens, { position, target, bend: { direction, at: t, unit, by } });
        squares[back] = (squares[back] ?? 0) + ((bent(STEP) - bent(-STEP)) / (2 * STEP)) ** 2;
      }
      windows[back] = (windows[back] ?? 0) + 1;
    });
  }
  return { direction, norms: squares.map(Math.sqrt), windows };
}

interface Case {
  readonly name: string;
  readonly text: string;
  readonly input?: Omit<Partial<RunInput>, "model">;
  readonly model?: Partial<Extract<RunConfig["model"], { kind: "recurrent" }>>;
  /** Windows by direction: how many count at distance 0. */
  readonly counts: readonly number[];
}

const CASES: readonly Case[] = [
  {
    name: "a label at each position, read both ways",
    text: TEXT,
    model: { bidirectional: true },
    input: { data: { source: "truecase" } },
    counts: [2, 2],
  },
  {
    name: "two layers that read both ways, in windows that are asked in part",
    text: TEXT,
    input: {
      micro_batch_size: 3,
      eval: { every: 0, windows: 0, stride: 3 },
      data: { source: "truecase" },
    },
    model: { bidirectional: true, layers: 2 },
    counts: [3, 3],
  },
  {
    name: "one label of a window, from its mean",
    text: TEXT,
    model: { bidirectional: true, readout: "mean" },
    input: { data: { source: "direction" } },
    counts: [2, 2],
  },
  {
    name: "one label of a window, read at its end",
    text: TEXT,
    model: { bidirectional: true },
    input: { data: { source: "direction" } },
    counts: [2, 2],
  },
  { name: "the next token", text: TEXT, counts: [2] },
  {
    name: "a name that was said before",
    text: TEXT,
    input: { data: { source: "recall", gap: 4 } },
    counts: [2],
  },
  {
    name: "lanes that warm their states before all but the first are asked",
    text: TEXT,
    input: { eval: { every: 0, windows: 0 }, data: { bptt: 4, seq_len: 6 } },
    counts: [2],
  },
  ...[0, 8].map((windows): Case => ({
    name: `documents that are shorter than a window, ${windows} windows`,
    text: SHORT,
    input: {
      micro_batches: 2,
      eval: { every: 0, windows },
      data: { bptt: 6, seq_len: 6, document_end: "." },
    },
    counts: [2],
  })),
  {
    name: "a text that is shorter than a window",
    text: "Ab",
    input: { data: { seq_len: 5, stride: 5 } },
    counts: [1],
  },
];

for (const { name, text, input, model, counts } of CASES) {
  Deno.test(`the gradient's reach is that of differences in f64: ${name}`, async () => {
    const config = tinyRecurrent({
      ...input,
      model: { kind: "recurrent", cell: "rnn_tanh", width: 4, dropout: 0, ...model },
    });
    const corpus = corpusOf(config, text);
    const replica = new Replica(openReference(), { config, corpus });
    await replica.open();
    const flat = await replica.readVector("param");
    const { layout } = shapeOf(config, corpus.vocabulary);
    const params = new Map(
      layout.entries.map(({ name, shape, offset }) => {
        const size = shape.reduce((a, b) => a * b, 1);
        return [name, Array.from(flat.subarray(offset, offset + size))];
      }),
    );
    const network = new Network(config, params);
    const source = sourceIn(config, corpus, foldName(rootKey(config.seed), "order"));
    const batch = fullest(
      source.evaluation(0) as Iterable<TokenBatch>,
      taskOf(config.data, corpus.vocabulary),
    );
    assert(batch !== undefined);
    const found = await replica.reach();
    assertEquals(found.map(({ direction }) => direction), directionsOf(config));
    assertEquals(found.map(({ windows }) => windows[0]), [...counts]);
    for (const reach of found) {
      const expected = differences(network, batch, { config, direction: reach.direction });
      assertEquals(reach.windows, expected.windows);
      const most = Math.max(...expected.norms);
      assert(most > 1e-3);
      reach.norms.forEach((norm, back) =>
        assertAlmostEquals(norm, expected.norms[back] ?? NaN, 1e-5 * most, `${back} back`)
      );
      // The backward direction reads only the last position there, in its first step.
      const readsEnd = name.endsWith("read at its end") && reach.direction === "backward";
      assert(reach.windows.every((n, k) => n === 0 || readsEnd || (reach.norms[k] ?? 0) > 0));
    }
    assertEquals(unpackReach(packReach(found), directionsOf(config)), found);
  });
}

Deno.test("the search finds a batch in which all windows have targets", () => {
  const task = { time: 2, targetKind: "token_class" } as const;
  const batch = (...targets: number[]): TokenBatch => ({
    tensors: { tokens: new Uint32Array(4), targets: Uint32Array.from(targets) },
    counted: 0,
    fresh: true,
  });
  const [no, half, one, all] = [
    batch(IGNORE, IGNORE, IGNORE, IGNORE),
    batch(3, IGNORE, IGNORE, IGNORE),
    batch(3, 4, IGNORE, IGNORE),
    batch(IGNORE, 1, 2, IGNORE),
  ];
  assertEquals(spansOf(all, task), [{ first: 1, last: 1 }, { first: 0, last: 0 }]);
  assertEquals(spansOf(half, task), [{ first: 0, last: 0 }, undefined]);
  assertEquals(fullest([no, half, one, all, all], task), all);
  assertEquals(fullest([no, half, one], task), half);
  assertEquals(fullest([no], task), undefined);
  assertEquals(fullest([], task), undefined);
});

Deno.test("metrics and lines name directions and the number of windows", async () => {
  const config = tinyRecurrent({
    steps: 2,
    eval: { every: 1, windows: 2 },
    model: { kind: "recurrent", bidirectional: true },
    data: { source: "truecase" },
    report: { sample_length: 0, gradient_reach: true },
  });
  const { events } = await lockstep(config, {
    world: 2,
    openDevice: () => Promise.resolve(openReference()),
    corpus: corpusOf(config, TEXT),
  });
  const reaches = events.filter((event) => event.type === "reach");
  assertEquals(reaches.map(({ step }) => step), [1, 2]);
  for (const event of reaches) {
    const line = JSON.parse(metricsLine(event) ?? "");
    assertEquals(Object.keys(line), [
      "step",
      "gradient_reach",
      "gradient_reach_windows",
      "gradient_reach_backward",
      "gradient_reach_backward_windows",
    ]);
    for (const [name, values] of Object.entries(line).slice(1)) {
      assertEquals((values as number[]).length, 8, name);
    }
    const [forward = "", backward = ""] = linesOf(event);
    assert(
      /^gradient reach forward at step \d, 2 windows: 0 back .*, 7 back/.test(forward),
      forward,
    );
    assert(/^gradient reach backward at step \d, 2 windows: 0 back /.test(backward), backward);
  }
  const uneven: Reach = { direction: "forward", norms: [1, 0.5, 0], windows: [3, 1, 0] };
  assertEquals(linesOf({ type: "reach", step: 4, reaches: [uneven] }), [
    "gradient reach at step 4, 3 windows: 0 back 1.0e+0, 1 back 5.0e-1 (1)",
  ]);
});
