/** Our side of the comparison with peers on the CPU device, and how its rows are shared. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { Field } from "../../bench/beside/compare.ts";
import { materialsOf, writeTask } from "../../bench/beside/materials.ts";
import { parsePeers } from "../../bench/beside/request.ts";
import { type Outcome, ratiosOf, sectionOf } from "../../bench/beside/result.ts";
import { ROWS } from "../../bench/beside/rows.ts";
import { scriptSides, torchSides } from "../../bench/beside/sides.ts";
import { halfOf, valuesOfHalf, valuesOfWhole } from "../../bench/ours/halves.ts";
import { isKernel, openKernel } from "../../bench/ours/kernel.ts";
import { openWork } from "../../bench/ours/open.ts";
import { readTask, type Task } from "../../bench/peers/task.ts";
import { meanSize } from "../../bench/peers/values.ts";
import { UserError } from "../../src/base/user_error.ts";
import { openCpu } from "../../src/device/cpu.ts";

const EFFORT = { rounds: 1, roundSeconds: 0.001, openSeconds: 60 };
const QUICK = ROWS.filter(({ where }) => where === "quick");

async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await Deno.makeTempDir();
  try {
    return await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function taskOf(name: string): Promise<Task> {
  return inFolder(async (folder) => {
    const row = ROWS.find((each) => each.name === name);
    assert(row !== undefined, name);
    return await readTask(await writeTask(row, folder));
  });
}

Deno.test("bench peers: two workers on the CPU device do each row, and get what one does", async () => {
  const rows = QUICK.filter(({ name }) =>
    !/1024|0\.83M$/.test(name) || name.startsWith("generate")
  );
  assertEquals(rows.length, 6);
  await inFolder(async (folder) => {
    const [ours] = scriptSides({ device: "cpu", folder, pin: false });
    assert(ours !== undefined);
    const field = new Field([ours], EFFORT);
    try {
      for (const row of rows) {
        const path = await writeTask(row, folder);
        const { outcomes: [outcome] } = await field.run(row.name, { task: path, rows: 0 });
        assert(outcome !== undefined && "seconds" in outcome, JSON.stringify(outcome));
        assert(outcome.seconds > 0);
        const whole = await openWork(openCpu(), await readTask(path));
        await whole.close();
        assertEquals(outcome.values.length, whole.values.length);
        whole.values.forEach((value, i) =>
          assertAlmostEquals(outcome.values[i] as number, value, 1e-5 * Math.abs(value), row.name)
        );
      }
    } finally {
      await field.close();
    }
  });
});

Deno.test("bench peers: a worker that cannot do its half says why, and the next row is done", async () => {
  await inFolder(async (folder) => {
    const [ours] = scriptSides({ device: "cpu", folder, pin: false });
    const row = ROWS.find(({ name }) => name === "layer norm 2048x128");
    assert(ours !== undefined && row !== undefined);
    const field = new Field([ours], EFFORT);
    try {
      const odd = { ...row, name: "odd", sizes: { ...row.sizes, R: 3 } };
      const run = async (each: typeof row) =>
        await field.run(each.name, { task: await writeTask(each, folder), rows: 0 });
      const { outcomes: [refused] } = await run(odd);
      assertEquals(refused, { id: "Shoal", reason: "Cannot halve odd: need an even R: got 3" });
      const { outcomes: [done] } = await run(row);
      assert(done !== undefined && "seconds" in done, JSON.stringify(done));
    } finally {
      await field.close();
    }
  });
});

Deno.test("halfOf() cuts the first axis, and halves give the values of the whole", async () => {
  const task = await taskOf("layer norm 2048x128");
  const halves = [0, 1].map((rank) => halfOf(task, rank));
  assertEquals(halves.map(({ sizes }) => sizes), [{ R: 1024, D: 128 }, { R: 1024, D: 128 }]);
  const rows = halves.flatMap(({ tensors }) => Array.from(tensors.get("x")?.data ?? []));
  assertEquals(rows, Array.from(task.tensors.get("x")?.data ?? []));
  assertEquals(halves[1]?.tensors.get("weight"), task.tensors.get("weight"));
  const results = async (part: Task) => (await openKernel(openCpu(), part)).results;
  const values = valuesOfWhole([
    valuesOfHalf(task, await results(halves[0] as Task)),
    valuesOfHalf(task, await results(halves[1] as Task)),
  ]);
  const whole = Object.values(await results(task)).map(meanSize);
  assertEquals(values.length, 4);
  whole.forEach((value, i) => assertAlmostEquals(values[i] as number, value, 1e-5 * value));
  const step = await taskOf("GPT 0.11M");
  assert(!isKernel(step) && halfOf(step, 1) === step);
});

Deno.test("valuesOfWhole() adds what both halves sum before it takes a mean", () => {
  assertEquals(valuesOfWhole([[[1], [1, -2]], [[3], [-1, -4]]]), [2, 3]);
  assertEquals(valuesOfWhole([[[5], [6]]]), [5, 6]);
});

Deno.test("materials of a row that decodes are one text and the parameters", () => {
  const row = ROWS.find(({ kind }) => kind === "generate");
  assert(row !== undefined);
  const named = new Map(materialsOf(row).map(({ name, shape }) => [name, shape]));
  assertEquals(named.get("inputs"), [1, 128]);
  assertEquals(named.get("positions.weight"), [128, 128]);
});

Deno.test("torchSides() holds PyTorch to AVX2 as well where it takes AVX-512", () => {
  const sides = (vectors: string, device: "cpu" | "cuda" = "cpu") =>
    torchSides("python3", { device, vectors, compiled: false, pin: true });
  assertEquals(sides("AVX512").map(({ id }) => id), ["PyTorch f32", "PyTorch f32 AVX2"]);
  const [plain, limited] = sides("AVX512").map(({ start }) => start.env ?? {});
  assertEquals(plain, { GOMP_CPU_AFFINITY: "0 1" });
  assertEquals(limited?.["ATEN_CPU_CAPABILITY"], "avx2");
  assertEquals(sides("AVX2").map(({ id }) => id), ["PyTorch f32"]);
  assertEquals(sides("AVX512", "cuda").length, 3);
});

Deno.test("scriptSides() gives peers the back end of the device", () => {
  const last = (device: "cpu" | "webgpu") =>
    scriptSides({ device, folder: "/f", pin: false }).slice(1).map((
      { family, start },
    ) => [family, start.args.at(-1)]);
  assertEquals(last("cpu"), [["wasm", "wasm"], ["wasm", "wasm"]]);
  assertEquals(last("webgpu"), [["webgpu", "webgpu"], ["webgpu", "webgpu"]]);
});

Deno.test("sectionOf() has a column for PyTorch held to AVX2 where there is one", () => {
  const sides = [
    { id: "Shoal", family: "ours" },
    { id: "a", family: "wasm" },
    { id: "PyTorch f32", family: "torch" },
    { id: "PyTorch f32 AVX2", family: "torch" },
  ] as const;
  const outcomes: Outcome[] = [0.01, 0.03, 0.005, 0.02].map((seconds, i) => ({
    id: sides[i]?.id as string,
    seconds,
    values: [],
  }));
  const result = { row: "GPT 0.11M", outcomes };
  assertEquals(ratiosOf(result, sides), { ours: 0.01, script: 3, torch: 0.5, avx2: 2 });
  const { table: [head, cells] } = sectionOf([result], { rows: ROWS, sides });
  assertEquals(head?.slice(5), [
    "x best WebAssembly",
    "x PyTorch f32",
    "x PyTorch f32 AVX2",
    "our pace",
  ]);
  assertEquals(cells?.slice(5), ["3.00", "0.500", "2.00", "102k tok/s"]);
});

Deno.test("parsePeers() takes a device, and one line for others", () => {
  const request = parsePeers(["--device=cpu", "--pin"]);
  assert(request !== "help");
  assertEquals([request.device, request.pin], ["cpu", true]);
  assertEquals((parsePeers([]) as { device: string }).device, "auto");
  const error = assertThrows(() => parsePeers(["--device=reference"]), UserError);
  assertEquals(error.message.split("\n").length, 1);
  assertThrows(() => parsePeers(["--device=webgpu", "--pin"]), UserError);
});
