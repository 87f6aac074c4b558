/** Cases of ops with random sizes. */
import { attentionCase } from "../../kernels/attention/attention_case.ts";
import { attentionBackwardCase } from "../../kernels/attention/attention_cases.ts";
import { cachedAttentionCase } from "../../kernels/attention/cached/cached_attention_cases.ts";
import { broadcastKindOf } from "../../kernels/pointwise/broadcast.ts";
import { CELL_FORMULAS } from "../../kernels/recurrence/cells.ts";
import {
  recurrenceBackwardCase,
  recurrenceCase,
} from "../../kernels/recurrence/recurrence_cases.ts";
import { rotaryCase } from "../../kernels/rotary/rotary_cases.ts";
import { sizeOf } from "../../src/base/shape.ts";
import type { Attrs, Case, Op, Spec } from "../../src/graph/types.ts";
import { dice, pick, type Roll } from "../fuzz/dice.ts";
import { WINDOW_OPS } from "./random_windows.ts";

/** Sizes next to those of vectors, tiles and strips. */
const EDGES = [15, 16, 17, 31, 32, 33, 47, 48, 49, 63, 64, 65, 95, 96, 97, 129];
/** Larger cases take the references too long. */
const [MOST_ELEMENTS, MOST_FLOPS] = [2 ** 13, 2 ** 19];
const MOST_TRIES = 200;

function randomSize(roll: Roll): number {
  const kind = roll(10);
  if (kind < 4) return 1 + roll(8);
  return kind < 7 ? 1 + roll(40) : pick(EDGES, roll);
}

/** Random cases of ops whose inputs must be consistent with their sizes. */
const OWN: Readonly<Record<string, (roll: Roll) => Case>> = {
  ...WINDOW_OPS,
  recurrence: randomRecurrence,
  recurrence_backward: (roll) => {
    const test = randomRecurrence(roll);
    const flows = Array.from({ length: test.attrs.cell.states + 1 }, () => roll(2) === 1);
    return recurrenceBackwardCase(test, flows.includes(true) ? flows : flows.map(() => true));
  },
  attention: randomAttention,
  cached_attention: (roll) => {
    const [tokens, shared] = [1 + roll(9), 1 + roll(3)];
    const first = roll(70);
    return cachedAttentionCase(
      "ragged",
      [
        1 + roll(3),
        tokens,
        shared * (1 + roll(2)),
        1 + roll(40),
        first + tokens + roll(9),
        first,
      ],
      { shared, margin: [roll(3), roll(3)], ...roll(2) === 1 && { window: 1 + roll(20) } },
    );
  },
  rotary: (roll) => {
    const [width, from] = [2 * (1 + roll(20)), roll(3)];
    return rotaryCase("ragged", [1 + roll(3), randomSize(roll), 1 + roll(4), width], {
      rotated: 2 * (1 + roll(width / 2)),
      margin: [roll(5), roll(5)],
      interleaved: roll(2) === 1,
      ...from > 0 && { from },
    });
  },
  attention_backward: (roll) => attentionBackwardCase(randomAttention(roll)),
  index_copy: (roll) => {
    const [batch, room, into, from] = [
      1 + roll(3),
      randomSize(roll),
      randomSize(roll),
      randomSize(roll),
    ];
    const rows = 1 + roll(room);
    const count = 1 + roll(Math.min(into, from));
    return {
      kind: "ragged",
      inputs: [
        { shape: [batch, room, into], dtype: "f32" },
        { shape: [batch, rows, from], dtype: "f32" },
        { shape: [rows], dtype: "u32" },
      ],
      attrs: { first: roll(from - count + 1), count, to: roll(into - count + 1) },
      fill: ([, , index]) =>
        index?.data.forEach((_: number, i: number, data) => data[i] = room - 1 - i),
    };
  },
};

function randomRecurrence(roll: Roll): Case {
  const sizes = [1 + roll(18), 1 + roll(5), randomSize(roll)] as const;
  return recurrenceCase(pick(CELL_FORMULAS, roll), sizes, { reverse: roll(2) === 1 });
}

function randomAttention(roll: Roll): Case {
  const kvHeads = 1 + roll(3);
  const [queries, span] = [1 + roll(70), 1 + roll(20)];
  return attentionCase("ragged", {
    batch: 1 + roll(3),
    queries,
    heads: kvHeads * (1 + roll(2)),
    kvHeads,
    width: 1 + roll(40),
  }, {
    causal: true,
    ...roll(2) === 1 && { keep: 0.75 },
    ...roll(2) === 1 && { starts: (i: number, b: number) => Math.max(0, i - (i + 3 * b) % span) },
  });
}

/** Attributes whose numbers are no sizes. */
const KEPT = ["donate", "axes"];

/** `value` with the numbers of plain objects and lists replaced; formulas stay as they are. */
function mapNumbers(value: Attrs, change: (n: number) => number): Attrs {
  if (typeof value === "number") return Number.isInteger(value) ? change(value) : value;
  if (Array.isArray(value)) return value.map((each) => mapNumbers(each, change));
  if (typeof value !== "object" || value === null || "outputs" in value) return value;
  return Object.fromEntries(
    Object.entries(value).map((
      [key, each],
    ) => [key, KEPT.includes(key) ? each : mapNumbers(each, change)]),
  );
}

/** A case whose sizes are replaced by random ones, equal ones by equal ones. */
function resized(test: Case, roll: Roll): Case {
  const sizes = new Map<number, number>();
  const change = (n: number): number => {
    const size = sizes.get(n) ?? randomSize(roll);
    sizes.set(n, size);
    return size;
  };
  const inputs = test.inputs.map((spec) => ({ ...spec, shape: spec.shape.map(change) }));
  const attrs = mapNumbers(test.attrs, (n) => sizes.get(n) ?? (roll(2) === 0 ? n : roll(20)));
  const below = mapNumbers(test.below ?? {}, (n) => sizes.get(n) ?? n);
  return { ...test, inputs, attrs, below };
}

/** A random case that the op's shape rule accepts. @throws {Error} when none was found. */
export function randomCase(op: Op, seed: number, round: number): Case {
  const roll = dice(seed, round);
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const template = pick(op.cases.filter(({ kind }) => kind !== "bench"), roll);
    try {
      const own = OWN[op.name];
      const test = own === undefined ? resized(template, roll) : own(roll);
      const outputs = op.shape(test.inputs, test.attrs);
      const sizes = [...test.inputs, ...outputs].map(({ shape }) => sizeOf(shape));
      const elements = sizes.reduce((n, size) => n + size, 0);
      const { flops } = op.cost({ inputs: test.inputs, outputs }, test.attrs);
      // Plans fuse epilogues whose inputs fit; the shape rules of products do not check them again.
      const fits = (spec: Spec) => broadcastKindOf(spec, outputs[0] as Spec) !== undefined;
      if (test.attrs.epilogue !== undefined && !test.inputs.slice(2).every(fits)) continue;
      const isSmall = elements <= MOST_ELEMENTS && flops <= MOST_FLOPS;
      if (isSmall && sizes.every((size) => size > 0)) return test;
    } catch (error) {
      // What the shape rule refuses is no case.
      if (!(error instanceof RangeError)) throw error;
    }
  }
  throw new Error(`Cannot find sizes for ${op.name}: ${MOST_TRIES} tries were refused`);
}
