import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { type Contestant, Field } from "../../bench/beside/compare.ts";
import { corpusOfRow, materialsOf, writeTask } from "../../bench/beside/materials.ts";
import { effortOf, parsePeers, rowsOf } from "../../bench/beside/request.ts";
import {
  besideOf,
  disagreement,
  ratiosOf,
  type RowResult,
  sectionOf,
} from "../../bench/beside/result.ts";
import { configOfRow, flopsOf, type Row, ROWS, tokensOf } from "../../bench/beside/rows.ts";
import { scriptSides, torchHere, torchSides } from "../../bench/beside/sides.ts";
import { readTask, tensorIn } from "../../bench/peers/task.ts";
import { UserError } from "../../src/base/user_error.ts";
import { onGpu } from "../support/gpu.ts";
import { windowCount } from "../../src/data/windows.ts";

const EFFORT = { rounds: 3, roundSeconds: 0.01, openSeconds: 20 };

function rowNamed(name: string): Row {
  const row = ROWS.find((each) => each.name === name);
  assert(row !== undefined, name);
  return row;
}

/** A side that does what `open` says, as code: it gives values and `run`. */
function fake(
  id: string,
  open: string,
  { family = "webgpu", adapter = "card" }: Partial<Pick<Contestant, "family">> & {
    adapter?: string;
  } = {},
): Contestant {
  const serve = new URL("../../bench/peers/serve.ts", import.meta.url).href;
  const code = `import { serve } from ${JSON.stringify(serve)};
    await serve({ name: ${JSON.stringify(id)}, version: "1", adapter: "${adapter}",
      open: ${open} });`;
  return {
    id,
    family,
    narrow: false,
    start: { command: Deno.execPath(), args: ["eval", "--quiet", code] },
  };
}

const works = (values: string) =>
  `() => Promise.resolve({ values: ${values}, run: () => Promise.resolve(), close() {} })`;

async function inField<T>(
  contestants: readonly Contestant[],
  work: (field: Field, task: string) => Promise<T>,
  effort = EFFORT,
): Promise<T> {
  const folder = await Deno.makeTempDir();
  const field = new Field(contestants, effort);
  try {
    return await work(field, await writeTask(rowNamed("layer norm 2048x128"), folder));
  } finally {
    await field.close();
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("bench peers: sides that agree are timed, others say why not", async () => {
  const sides = [
    fake("ours", works("[1, 2]"), { family: "ours" }),
    fake("same", works("[1.0001, 2]")),
    fake("other", works("[1, 2.1]")),
    fake("unable", `() => Promise.reject(new Error("it has no gradient"))`),
    fake("broken", `() => Deno.exit(3)`),
  ];
  const { outcomes } = await inField(
    sides,
    (field, task) => field.run("layer norm 2048x128", { task, rows: 0 }),
  );
  const [ours, same, other, unable, broken] = outcomes;
  assert(ours !== undefined && "seconds" in ours && ours.seconds >= 0);
  assert(same !== undefined && "seconds" in same);
  assert(other !== undefined && "reason" in other && unable !== undefined && "reason" in unable);
  assertEquals(other.reason, "other results: number 2 is 2.1000, ours 2.0000");
  assertEquals(unable.reason, "it has no gradient");
  assert(broken !== undefined && "reason" in broken && broken.reason.includes("3"));
});

Deno.test("bench peers: WebGPU sides on another adapter do not count, PyTorch may have its own", async () => {
  const { outcomes } = await inField(
    [
      fake("ours", works("[1]"), { family: "ours" }),
      fake("elsewhere", works("[1]"), { adapter: "other card" }),
      fake("torch", works("[1]"), { family: "torch", adapter: "CPU" }),
    ],
    (field, task) => field.run("layer norm 2048x128", { task, rows: 0 }),
  );
  const [, elsewhere, torch] = outcomes;
  assertEquals(elsewhere, { id: "elsewhere", reason: "another adapter: other card" });
  assert(torch !== undefined && "seconds" in torch);
});

Deno.test("bench peers: a side that hangs is ended and the others go on", async () => {
  const sides = [
    fake("ours", works("[1]"), { family: "ours" }),
    fake("hung", `() => new Promise((done) => setTimeout(done, 60_000))`),
  ];
  const { outcomes } = await inField(
    sides,
    (field, task) => field.run("layer norm 2048x128", { task, rows: 0 }),
    { ...EFFORT, openSeconds: 3 },
  );
  const [ours, hung] = outcomes;
  assert(ours !== undefined && "seconds" in ours);
  assertEquals(hung, { id: "hung", reason: "it took longer than 3 s" });
});

Deno.test("bench peers: what no time is left for says so", async () => {
  const { outcomes } = await inField(
    [fake("ours", works("[1]"), { family: "ours" })],
    (field, task) => field.run("layer norm 2048x128", { task, rows: 0 }),
    { ...EFFORT, totalSeconds: 0 } as typeof EFFORT,
  );
  assertEquals(outcomes, [{ id: "ours", reason: "left out: the time for everything was up" }]);
});

Deno.test(onGpu("bench peers: our side does the work of a row"), async () => {
  const [ours] = scriptSides({ device: "webgpu", folder: "", pin: false });
  assert(ours !== undefined);
  const row = rowNamed("layer norm 2048x128");
  const { outcomes: [outcome] } = await inField(
    [ours],
    (field, task) => field.run(row.name, { task, rows: 0 }),
  );
  assert(outcome !== undefined && "seconds" in outcome, JSON.stringify(outcome));
  const [x, gain, bias] = ["x", "weight", "bias"].map((name) =>
    materialsOf(row).find((each) => each.name === name)?.data as Float32Array
  ) as [Float32Array, Float32Array, Float32Array];
  const D = gain.length;
  let total = 0;
  for (let r = 0; r < x.length; r += D) {
    const values = Array.from(x.subarray(r, r + D));
    const mean = values.reduce((a, b) => a + b, 0) / D;
    const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / D;
    values.forEach((v, k) => {
      const y = (v - mean) / Math.sqrt(variance + 1e-5) * (gain[k] as number);
      total += Math.abs(y + (bias[k] as number));
    });
  }
  assertAlmostEquals(outcome.values[0] as number, total / x.length, 1e-5);
  assertEquals(outcome.values.length, 4);
});

Deno.test("writeTask() leaves what readTask() reads, and a batch whose targets follow", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const row = rowNamed("GPT 0.11M");
    const task = await readTask(await writeTask(row, folder));
    assertEquals(task.kind, "gpt");
    const written = materialsOf(row);
    assertEquals([...task.tensors.keys()], written.map(({ name }) => name));
    for (const { name, data, shape } of written) {
      assertEquals(tensorIn(task, name).data, data, name);
      assertEquals(tensorIn(task, name).shape, shape, name);
    }
    const [inputs, targets] = ["inputs", "targets"].map((name) => tensorIn(task, name).data);
    assertEquals(inputs?.subarray(1), targets?.subarray(0, -1));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("every step of ours has all windows of the one batch", () => {
  for (const row of ROWS.filter(({ model, where }) => model !== undefined && where === "quick")) {
    const { sizes: { B = 0, T = 0 } } = row;
    const [text] = corpusOfRow(row).texts;
    assertEquals(windowCount(text?.train.length ?? 0, T, T), B);
    assertEquals(configOfRow(row).micro_batch_size, B);
  }
});

const SIDES = [
  { id: "Shoal", family: "ours" },
  { id: "a", family: "webgpu" },
  { id: "b", family: "webgpu" },
  { id: "PyTorch f32", family: "torch" },
  { id: "PyTorch bf16", family: "torch" },
] as const;

const RESULT: RowResult = {
  row: "matmul 512",
  outcomes: [
    { id: "Shoal", seconds: 0.01, values: [] },
    { id: "a", seconds: 0.04, values: [] },
    { id: "b", reason: "no adapter" },
    { id: "PyTorch f32", seconds: 0.005, values: [] },
    { id: "PyTorch bf16", seconds: 0.001, values: [] },
  ],
};

Deno.test("ratiosOf() divides the best of a group by ours", () => {
  assertEquals(ratiosOf(RESULT, SIDES), { ours: 0.01, script: 4, torch: 0.5 });
  const alone: RowResult = { row: "x", outcomes: [{ id: "Shoal", seconds: 1, values: [] }] };
  assertEquals(ratiosOf(alone, SIDES), { ours: 1 });
  const without = { row: "x", outcomes: RESULT.outcomes.slice(1) };
  assertEquals(ratiosOf(without, SIDES), {});
});

Deno.test("besideOf() has a ratio for each peer that was timed, as the table has it", () => {
  const { row, peers } = besideOf(RESULT, SIDES);
  assertEquals(row, "matmul 512");
  assertEquals(peers, [
    { id: "a", ratio: 4 },
    { id: "b" },
    { id: "PyTorch f32", ratio: 0.5 },
    { id: "PyTorch bf16", ratio: 0.1 },
  ]);
  const stopped: RowResult = {
    row: "x",
    outcomes: ["Shoal", "a"].map((id) => ({ id, seconds: 0, values: [] })),
  };
  assert(besideOf(stopped, SIDES).peers.every(({ ratio }) => ratio === undefined));
  const without = { row: "x", outcomes: RESULT.outcomes.slice(1) };
  assert(besideOf(without, SIDES).peers.every(({ ratio }) => ratio === undefined));
});

Deno.test("sectionOf() shows ratios, and below the table why a cell is empty", () => {
  const { table, notes } = sectionOf([RESULT], { rows: ROWS, sides: SIDES });
  assertEquals(table[1], [
    "matmul 512",
    "10.0",
    "40.0",
    "(1)",
    "5.00",
    "1.00",
    "4.00",
    "0.500",
    "26.8 GFLOP/s",
  ]);
  assertEquals(table[0]?.length, table[1]?.length);
  assert(notes?.includes("(1) matmul 512, b: no adapter"));
});

Deno.test("disagreement() allows what other orders of sums make of a loss, and no more", () => {
  const [full, narrow] = [{ narrow: false }, { narrow: true }];
  assertEquals(disagreement([1, 2.001], [1, 2], full), undefined);
  assertEquals(disagreement([1, 2.01], [1, 2], full), "number 2 is 2.0100, ours 2.0000");
  assertEquals(disagreement([1, 2.01], [1, 2], narrow), undefined);
  assertEquals(disagreement([NaN], [1], narrow), "number 1 is NaN, ours 1.0000");
  assertEquals(disagreement([1, 2], [1], full), "2 numbers where ours are 1");
});

Deno.test("rowsOf() leaves rows for GPUs out on software drivers unless all are asked for", () => {
  const all = { full: false, filter: "" };
  const onCpu = rowsOf(all, { software: true });
  assert(onCpu.length > 0 && onCpu.every(({ where }) => where === "quick"));
  assert(rowsOf(all, { software: false }).some(({ name }) => name === "GPT 124M"));
  assertEquals(rowsOf({ ...all, full: true }, { software: true }).length, ROWS.length);
  assertEquals(rowsOf({ ...all, filter: "LSTM 2x128" }, { software: true }).length, 1);
});

Deno.test("rows have names of their own, and say their FLOP or tokens", () => {
  assertEquals(new Set(ROWS.map(({ name }) => name)).size, ROWS.length);
  assertEquals(flopsOf(rowNamed("matmul 512")), 2 * 512 ** 3);
  assertEquals(tokensOf(rowNamed("GPT 0.83M")), 2048);
});

Deno.test("parsePeers() reads what is asked for, and refuses the rest", () => {
  const request = parsePeers(["--quick", "--filter=GPT", "--json"]);
  assert(request !== "help");
  assertEquals([request.quick, request.full, request.filter, request.json], [
    true,
    false,
    "GPT",
    true,
  ]);
  assert((effortOf(request).totalSeconds ?? Infinity) < 300);
  assertEquals(parsePeers(["--help"]), "help");
  for (const args of [["ops"], ["--quick", "--full"], ["--quik"]]) {
    assertThrows(() => parsePeers(args), UserError);
  }
});

Deno.test("torchHere() says why there is no PyTorch", async () => {
  const here = await torchHere("no-such-python");
  assert("reason" in here && here.reason.length > 0);
});

Deno.test("torchSides() are f32 on a CPU, and each precision as it is and compiled on a GPU", () => {
  const names = (device: "cpu" | "cuda", compiled: boolean) =>
    torchSides("python3", { device, vectors: "AVX2", compiled, pin: false }).map(({ id }) => id);
  assertEquals(names("cpu", false), ["PyTorch f32"]);
  assertEquals(names("cuda", true), [
    "PyTorch f32",
    "PyTorch f32 compiled",
    "PyTorch tf32",
    "PyTorch tf32 compiled",
    "PyTorch bf16",
    "PyTorch bf16 compiled",
  ]);
  const options = { vectors: "AVX512", compiled: false, pin: false };
  const narrow = torchSides("python3", { ...options, device: "cuda" }).map((s) => s.narrow);
  assertEquals(narrow, [false, true, true]);
});
