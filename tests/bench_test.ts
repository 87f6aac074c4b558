import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { type BenchRequest, parseBench } from "../bench/args.ts";
import { benchMatmul } from "../bench/kernels/matmul.ts";
import { benchGenerate } from "../bench/step/generate.ts";
import { exchangeSeconds } from "../bench/exchange/exchange.ts";
import type { Machine } from "../bench/machine.ts";
import { slugOf } from "../bench/machine.ts";
import { TWINS } from "../bench/naive/mod.ts";
import { opsTable, timeCase } from "../bench/kernels/ops.ts";
import { fileName, pageOf, showReport } from "../bench/report.ts";
import { alignTable, fixed } from "../bench/table.ts";
import { median, medians, roundOf } from "../bench/time.ts";
import { timeDevice } from "../bench/step/timed_device.ts";
import { OPS } from "../kernels/mod.ts";
import { treeAddOp } from "../kernels/reduce/tree_add.ts";
import { UserError } from "../src/base/user_error.ts";
import { openReference } from "../src/device/reference.ts";
import { onGpu, sharedGpu } from "./support/gpu.ts";
import type { Case, Op } from "../src/graph/types.ts";
import { planOf } from "../src/testing/cases.ts";

const BUDGET = { rounds: 1, roundSeconds: 0 };

const device = sharedGpu();

/** The first odd-sized case that a twin can do: twins have no epilogue and work on new places. */
function smallCase(op: Op): Case {
  const fits = op.cases.find(({ kind, attrs }) =>
    kind !== "bench" && attrs.epilogue === undefined &&
    (kind === "ragged" || !op.cases.some((c) => c.kind === "ragged"))
  );
  assert(fits !== undefined, `${op.name} has a small case`);
  return fits;
}

for (const op of OPS) {
  Deno.test(
    onGpu(`bench ops: ${op.name} is timed beside a naive twin that gives the same`),
    async () => {
      assert(TWINS.has(op.name), "each op has a twin");
      const test = smallCase(op);
      const { seconds, naive, name } = await timeCase(op, test, {
        device: await device(),
        budget: BUDGET,
      });
      assert(name.startsWith(op.name));
      assert(seconds >= 0 && naive !== undefined && naive >= 0);
    },
  );
}

Deno.test(onGpu("bench ops: attention's twin drops the same probabilities"), async () => {
  for (const op of OPS.filter(({ name }) => name.startsWith("attention"))) {
    const test = op.cases.find(({ kind, attrs }) => kind === "tile" && attrs.dropout !== undefined);
    assert(test !== undefined);
    const { naive } = await timeCase(op, test, { device: await device(), budget: BUDGET });
    assert(naive !== undefined);
  }
});

Deno.test(onGpu("bench ops: attention's twin stays inside documents"), async () => {
  for (const op of OPS.filter(({ name }) => name.startsWith("attention"))) {
    const tests = op.cases.filter(({ kind, attrs }) => kind === "ragged" && attrs.starts);
    assertEquals(tests.length, 5);
    for (const test of tests) {
      const { naive } = await timeCase(op, test, { device: await device(), budget: BUDGET });
      assert(naive !== undefined);
    }
  }
});

Deno.test(
  onGpu("bench ops: attention's twin masks, groups heads and crosses as attention does"),
  async () => {
    for (const op of OPS.filter(({ name }) => name.startsWith("attention"))) {
      // Three tensors with masks exceed the bindings of the twin's launches.
      const tests = op.cases.filter(({ kind, attrs }) =>
        kind === "ragged" && (attrs.layout ?? "").split(",").length < 3 &&
        (attrs.segments || attrs.lengths || attrs.kvHeads || attrs.alibi || attrs.valueWidth)
      );
      assertEquals(tests.length, 9);
      for (const test of tests) {
        const { naive } = await timeCase(op, test, { device: await device(), budget: BUDGET });
        assert(naive !== undefined);
      }
    }
  },
);

Deno.test(onGpu("bench ops: matmul's twin reads every transpose"), async () => {
  const op = OPS.find(({ name }) => name === "matmul") as Op;
  const tests = op.cases.filter(({ kind, attrs }) => kind === "ragged" && attrs.ta !== undefined);
  const sides = tests.map(({ attrs: { ta, tb } }) => `${ta} ${tb}`);
  assertEquals(new Set(sides).size, 4);
  for (const test of tests.slice(0, 4)) {
    await timeCase(op, test, { device: await device(), budget: BUDGET });
  }
});

Deno.test(onGpu("bench ops: a twin with another result is refused"), async () => {
  const idle = { fills: [0], launch: () => [] };
  const test = treeAddOp.cases[0] as Case;
  const on = { device: await device(), budget: BUDGET, twin: idle };
  await assertRejects(() => timeCase(treeAddOp, test, on), Error, "output 0 must agree");
});

Deno.test("bench ops: rows show shares of the best matmul and copy", () => {
  const timed = { name: "sum", seconds: 1e-3, flops: 1e6, bytes: 4e6, naive: undefined };
  const peaks = { flops_per_s: 4e9, bytes_per_s: 8e9, side: 512 };
  const [head, row] = opsTable([timed], peaks);
  assertEquals(head?.length, row?.length);
  assertEquals(row, ["sum", "1000", "1.00", "4.00", "25.0 %", "50.0 %", "", ""]);
});

/** What a command line that asks for no help asks for. */
function requestOf(...args: string[]): BenchRequest {
  const request = parseBench(args);
  assert(request !== "help");
  return request;
}

Deno.test("parseBench() reads the name, the filter, --save and --json", () => {
  assertEquals(requestOf().benches, ["step", "ops", "reduce", "transport"]);
  assertEquals(requestOf("ops", "--filter=matmul", "--save"), {
    benches: ["ops"],
    filter: "matmul",
    device: "auto",
    save: true,
    json: false,
  });
  assertEquals(requestOf("step", "--json").json, true);
  assertEquals(requestOf("step", "--device=cpu").device, "cpu");
  const { kind, device: chosen } = requestOf("matmul", "--class", "gpu");
  assertEquals([kind, chosen], ["gpu", "webgpu"]);
  assertEquals(parseBench(["ops", "--help"]), "help");
});

Deno.test("parseBench() refuses what it does not know", () => {
  const says: Readonly<Record<string, string>> = {
    "opps": "Cannot bench opps: need one of all, step, ops",
    "ops step": "Cannot bench ops step",
    "--fliter=x": "did you mean --filter?",
    "ops -s": "need two dashes",
    "ops --class=gpu": "need the bench matmul: got ops",
    "matmul --class=tpu": "need cpu | gpu",
    "matmul --class=gpu --device=cpu": "Cannot take --class=gpu: need WebGPU: got --device=cpu",
    "lstm --device=cpu": "Cannot bench lstm with --device=cpu: need WebGPU",
    "ops --device=reference": "need auto | cpu | webgpu",
  };
  for (const [line, text] of Object.entries(says)) {
    assertThrows(() => parseBench(line.split(" ")), UserError, text);
  }
});

Deno.test(
  onGpu("bench matmul times the kernels of either class and marks what is chosen"),
  async () => {
    for (
      const [kind, kernel] of [["cpu", "registers 8x8"], ["gpu", "narrow, 32 slices"]] as const
    ) {
      const filter = "down 1x64x256";
      const { sections: [section] } = await benchMatmul({
        filter,
        kind,
        device: "webgpu",
        budget: BUDGET,
      });
      const [head, ...rows] = section?.table ?? [];
      assertEquals(head?.at(-1), "chosen");
      assert(rows.some(([name]) => name === `${filter}: ${kernel}`));
      assertEquals(rows.filter((row) => row.at(-1) === "*").length, 1);
    }
  },
);

Deno.test("alignTable() puts names to the left and numbers to the right", () => {
  assertEquals(alignTable([["op", "us"], ["a", "1.25"], ["longer", "10"], ["c"]]), [
    "op        us",
    "------------",
    "a       1.25",
    "longer    10",
    "c",
  ]);
});

Deno.test("fixed() shows about three digits", () => {
  assertEquals([0, 0.1234, 1.234, 12.34, 123.4, -5.678].map(fixed), [
    "0.000",
    "0.123",
    "1.23",
    "12.3",
    "123",
    "-5.68",
  ]);
});

const MACHINE: Machine = {
  cpu: "AMD EPYC 7B13 64-Core Processor",
  cores: 2,
  driver: "Mesa 1.2.3",
  deno: "2.9.6",
  commit: "abc1234",
  date: "2026-03-14",
};

Deno.test("slugOf() names software drivers by their CPU, and cards by themselves", () => {
  assertEquals(slugOf(MACHINE, "llvmpipe (LLVM 15.0.6, 256 bits)"), "lavapipe_epyc2");
  assertEquals(slugOf(MACHINE, "NVIDIA H200"), "nvidia_h200");
  assertEquals(slugOf(MACHINE, "cpu (256 bits at a time)"), "cpu_epyc2");
  assertEquals(slugOf(MACHINE, undefined), "epyc2");
});

Deno.test("a saved report says what was measured where", () => {
  const report = {
    what: "ops",
    adapter: "NVIDIA H200",
    sections: [{ title: "Ops", table: [["op", "us"], ["sum", "3"]], notes: ["Noted"] }],
  };
  assertEquals(fileName(report, MACHINE), "ops_nvidia_h200_202603.md");
  const page = pageOf(report, MACHINE, "deno task bench ops --save");
  for (const fact of ["NVIDIA H200", "Mesa 1.2.3", "2 cores", "2.9.6", "abc1234", "2026-03-14"]) {
    assert(page.includes(fact), fact);
  }
  assert(page.includes("`deno task bench ops --save`"));
  assert(page.includes("op   us\n-------\nsum   3\n"));
  assert(showReport(report).includes("sum   3\n- Noted\n"));
});

Deno.test("a saved report breaks its notes at 100 columns", () => {
  const note = Array.from({ length: 60 }, (_, i) => `word${i}`).join(" ");
  const report = { what: "ops", sections: [{ title: "Ops", table: [["op"]], notes: [note] }] };
  const lines = pageOf(report, MACHINE, "bench").split("\n");
  assert(lines.every((line) => line.length <= 100));
  const words = lines.join(" ").match(/word\d+/g) ?? [];
  assertEquals(words.join(" "), note);
  assertEquals(lines.filter((line) => line.startsWith("- word")).length, 1);
});

Deno.test("median() takes the middle whatever the order", () => {
  assertEquals(median([5, 1, 3]), 3);
  assertEquals(median([4, 1, 3, 2]), 3);
});

Deno.test("roundOf() repeats until a round is long enough, and medians() takes turns", async () => {
  const order: string[] = [];
  const work = (name: string) => ({
    run: () => {
      order.push(name);
      const until = performance.now() + 0.2;
      while (performance.now() < until);
    },
    wait: () => Promise.resolve(),
  });
  const budget = { rounds: 2, roundSeconds: 0.004 };
  const rounds = [await roundOf(work("a"), budget), await roundOf(work("b"), budget)];
  order.length = 0;
  const [a = 0, b = 0] = await medians(rounds, budget.rounds);
  assert(a >= 0.0002 && b >= 0.0002);
  assert(order.length >= 4 * 4, "each round runs its work many times");
  assertEquals(order.filter((name, i) => name !== order[i - 1]), ["a", "b", "a", "b"]);
});

Deno.test("timeDevice() does what the device does, and notes the time", async () => {
  const test: Case = { kind: "tile", inputs: [{ shape: [2], dtype: "f32" }], attrs: {} };
  const [sum] = OPS.filter(({ name }) => name === "sum");
  const timed = timeDevice(openReference());
  const memory = timed.device.memory();
  const program = await timed.device.load(planOf(sum as Op, test.inputs, {}), memory);
  memory.write("x0", Float32Array.of(1, 2));
  program.run();
  assertEquals(await memory.read([{ slot: "y0", offset: 0, length: 1 }]), Float32Array.of(3));
  const { encode, write, wait } = timed.times;
  assert(encode + write + wait > 0);
  timed.reset();
  assertEquals({ ...timed.times }, { encode: 0, write: 0, wait: 0 });
});

Deno.test("exchangeSeconds() moves a gradient among ranks over sockets", async () => {
  for (const world of [2, 3]) assert(await exchangeSeconds(world, 100) > 0);
});

Deno.test(
  onGpu("bench generate: a decoder and whole windows are timed on the same text"),
  async () => {
    const { sections: [filling, sliding] } = await benchGenerate({
      filter: "lstm",
      device: "webgpu",
      context: 9,
    });
    const [, row = []] = filling?.table ?? [];
    assertEquals(row.length, 4);
    assert(row.slice(1).every((cell) => Number(cell) > 0));
    assertEquals(sliding?.table.length, 2);
  },
);
