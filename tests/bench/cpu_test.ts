/** Benches on the CPU device. */
import { fileURLToPath } from "node:url";
import { assert, assertEquals } from "@std/assert";
import { cpuName, deviceHere } from "../../bench/device.ts";
import { timeCpuShape } from "../../bench/kernels/matmul_cpu.ts";
import { benchMatmul } from "../../bench/kernels/matmul.ts";
import { SHAPES } from "../../bench/kernels/matmul_shapes.ts";
import { benchOps } from "../../bench/kernels/ops.ts";
import { fileName, pageOf } from "../../bench/report.ts";
import { benchGenerate } from "../../bench/step/generate.ts";
import { benchStep } from "../../bench/step/step.ts";
import { cpuMode } from "../../src/device/v8.ts";

const BUDGET = { rounds: 1, roundSeconds: 0 };
const DEVICE = "cpu";

Deno.test("bench ops on the CPU device has times of ops, and says why no twin is beside them", async () => {
  const { adapter, sections: [section] } = await benchOps({
    filter: "layer_norm",
    device: DEVICE,
    budget: BUDGET,
  });
  assertEquals(adapter, cpuName());
  const [head = [], ...rows] = section?.table ?? [];
  assertEquals(head.slice(0, 6), ["op", "us", "GFLOP/s", "GB/s", "of matmul", "of copy"]);
  assert(!head.includes("naive us"));
  assert(rows.length > 1);
  assert(rows.every((row) => row.length === head.length && Number(row[1]) > 0));
  assert(section?.notes?.some((note) => note.includes("twins are WGSL")));
});

Deno.test("bench matmul on the CPU device times both tiles and marks that of the mode", async () => {
  const shape = SHAPES["Decoding"]?.find(({ name }) => name === "down 1x64x256");
  assert(shape !== undefined);
  const { sections: [section] } = await benchMatmul({
    filter: shape.name,
    device: DEVICE,
    budget: BUDGET,
  });
  const [, ...rows] = section?.table ?? [];
  assertEquals(rows.map(([name]) => name), [
    `${shape.name}: tile for pairs`,
    `${shape.name}: tile for vectors`,
  ]);
  const { pairs } = cpuMode(Deno.version.deno);
  assertEquals(rows.map((row) => row.at(-1)), pairs ? ["*", ""] : ["", "*"]);
});

Deno.test("timeCpuShape() does transposed products as well", async () => {
  const shape = { name: "odd", m: 13, n: 9, k: 70, ta: true, tb: true };
  const rows = await timeCpuShape(shape, BUDGET);
  assert(rows.length === 2 && rows.every(([, us]) => Number(us) > 0));
});

Deno.test("bench step on the CPU device splits a step, and times its ops one by one", async () => {
  const { adapter, sections: [split, ops, plans] } = await benchStep({
    filter: "gpt_char",
    device: DEVICE,
    effort: { seconds: 0, calls: BUDGET },
  });
  assertEquals(adapter, cpuName());
  const parts = new Map(split?.table.map(([part, ms]) => [part, Number(ms)]));
  const [mean = 0, passes = 0] = [parts.get("step, mean"), parts.get("device: passes")];
  assert(passes > 0 && mean > passes);
  assert((parts.get("host: the rest") ?? NaN) < mean && !parts.has("host: encode and submit"));
  const names = ops?.table.map(([name]) => name) ?? [];
  for (const name of ["matmul", "attention", "layer_norm"]) assert(names.includes(name), name);
  assert(!plans?.table[0]?.includes("launches"));
  assert(!plans?.notes?.some((note) => note.includes("driver")));
});

Deno.test("bench generate on the CPU device decodes as whole windows do", async () => {
  for (const filter of ["gpt", "lstm"]) {
    const { sections: [filling] } = await benchGenerate({ filter, device: DEVICE, context: 9 });
    assert(filling?.table[1]?.slice(1).every((cell) => Number(cell) > 0), filter);
  }
});

Deno.test("results of the CPU device say so in their names and on their pages", () => {
  const machine = {
    cpu: "Intel(R) Xeon(R) Processor",
    cores: 2,
    driver: undefined,
    deno: "2.9.6",
    commit: "abc1234",
    date: "2026-12-01",
  };
  const report = { what: "ops", adapter: cpuName(), sections: [] };
  assertEquals(fileName(report, machine), "ops_cpu_xeon2_202612.md");
  const page = pageOf(report, machine, "deno task bench ops --device=cpu");
  assert(page.includes(`- Device: ${cpuName()}`) && !page.includes("Adapter"));
});

Deno.test("deviceHere() keeps what is asked for", async () => {
  assertEquals([await deviceHere("cpu"), await deviceHere("webgpu")], ["cpu", "webgpu"]);
  assert(["cpu", "webgpu"].includes(await deviceHere("auto")));
});

Deno.test("bench/flags.ts prints the flags of the CPU device for deno task bench", async () => {
  const program = new URL("../../bench/flags.ts", import.meta.url);
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["-q", fileURLToPath(program)],
  }).output();
  const { flags } = cpuMode(Deno.version.deno);
  const want = flags === undefined ? "" : `--v8-flags=${flags}\n`;
  assertEquals([success, new TextDecoder().decode(stdout)], [true, want]);
});
