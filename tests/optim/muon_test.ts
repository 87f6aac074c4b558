/** Muon: orthogonalised steps, and parameters that consist of several matrices. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { fold, rootKey, uniforms } from "../../src/base/random.ts";
import { alignUp, type HiddenMatrix, type Shape, sizeOf } from "../../src/base/shape.ts";
import { ArrayMemory, openReference } from "../../src/device/reference.ts";
import { shapeOf } from "../../src/engine/plans.ts";
import { muon, type MuonConfig, muonSchema } from "../../src/optim/muon.ts";
import type { UpdateSpan } from "../../src/optim/types.ts";
import { updateGraph } from "../../src/optim/update.ts";
import { compile } from "../../src/plan/compile.ts";
import { ALIGN } from "../../src/plan/layout.ts";
import { tinyConfig } from "../support/gpt.ts";
import { tinyRecurrent } from "../support/recurrent.ts";

/** A parameter, its first values and its gradient. */
interface Matrix {
  readonly shape: Shape;
  readonly hidden: HiddenMatrix;
  readonly param: Float32Array;
  readonly grad: Float32Array;
}

function configOf(input: Partial<MuonConfig> = {}): MuonConfig {
  return muonSchema.parse({
    kind: "muon",
    clip: 0,
    schedule: "constant",
    warmup_steps: 0,
    ...input,
  });
}

function valuesOf(site: number, n: number): Float32Array {
  return Float32Array.from(uniforms(fold(rootKey(3), site), n, [-1, 1]));
}

/** The parameters after two steps; parameter k is span k. */
async function stepped(matrices: readonly Matrix[], config: MuonConfig): Promise<Float32Array[]> {
  const spans = matrices.map(({ shape, hidden }): UpdateSpan => [{
    length: alignUp(sizeOf(shape), ALIGN),
    decay: true,
    lrScale: 1,
    rule: "matrices",
    params: [{ shape, offset: 0, hidden }],
  }]);
  const { graph, sources } = updateGraph(spans, { optimizer: muon, config });
  const places = new Map(sources.map(({ tensor, vector, span, offset }) => {
    return [tensor, { slot: `${vector}:${span}`, role: tensor.role, offset }];
  }));
  const device = openReference();
  const memory = device.memory() as ArrayMemory;
  const program = await device.load(
    compile(graph, { source: (t) => places.get(t) }),
    memory,
  );
  matrices.forEach(({ param, grad }, k) => {
    memory.floats(`param:${k}`).set(param);
    memory.floats(`grad:${k}`).set(grad);
  });
  for (let step = 0; step < 2; step++) {
    memory.floats("lr")[0] = muon.scalarsAt(step, config)["lr"] as number;
    program.run();
  }
  return matrices.map((_, k) => Float32Array.from(memory.floats(`param:${k}`)));
}

/** Columns `first` to `first + count - 1` of a matrix, or these rows where axes is out_in. */
function part(
  data: Float32Array,
  { axes, first, count, inputs, outputs }: {
    axes: HiddenMatrix["axes"];
    first: number;
    count: number;
    inputs: number;
    outputs: number;
  },
): Float32Array {
  if (axes === "out_in") return data.slice(first * inputs, (first + count) * inputs);
  return Float32Array.from(
    { length: inputs * count },
    (_, i) => data[Math.floor(i / count) * outputs + first + i % count] as number,
  );
}

Deno.test("a parameter of several matrices is updated as they would be alone, bit for bit", async () => {
  const [inputs, parts] = [6, [9, 3, 4]] as const;
  const outputs = 16;
  for (const axes of ["in_out", "out_in"] as const) {
    const shaped = (count: number): Shape => axes === "in_out" ? [inputs, count] : [count, inputs];
    const whole: Matrix = {
      shape: shaped(outputs),
      hidden: { axes, parts },
      param: valuesOf(0, inputs * outputs),
      grad: valuesOf(1, inputs * outputs),
    };
    const cut = (data: Float32Array) =>
      parts.map((count, i) => {
        const first = parts.slice(0, i).reduce((a, b) => a + b, 0);
        return part(data, { axes, first, count, inputs, outputs });
      });
    const [params, grads] = [cut(whole.param), cut(whole.grad)];
    const alone = parts.map((count, i): Matrix => ({
      shape: shaped(count),
      hidden: { axes },
      param: params[i] as Float32Array,
      grad: grads[i] as Float32Array,
    }));
    const [together] = await stepped([whole], configOf());
    const separate = await stepped(alone, configOf());
    assertEquals(cut(together as Float32Array), separate, axes);
    const [one] = await stepped([{ ...whole, hidden: { axes } }], configOf());
    assert(one?.some((value, i) => value !== together?.[i]), "as one matrix it differs");
  }
});

Deno.test("a step's singular values are about lr times the scale of its shape", async () => {
  const config = configOf({ lr: 0.1, weight_decay: 0, momentum: 0, nesterov: false });
  const shape = [4, 64] as const;
  const zero = new Float32Array(256);
  const grad = valuesOf(5, 256);
  const [after = zero] = await stepped(
    [{ shape, hidden: { axes: "in_out" }, param: zero, grad }],
    config,
  );
  // Two equal steps of sqrt(64 / 4) x 0.1. The iterations end between 0.7 and 1.2.
  const size = 2 * 0.1 * 4;
  for (let i = 0; i < 4; i++) {
    const row = after.slice(64 * i, 64 * i + 64);
    const norm = Math.sqrt(row.reduce((sum, x) => sum + x * x, 0));
    assertAlmostEquals(norm / size, 0.95, 0.26);
  }
});

Deno.test("a zero gradient gives no NaN, and decay alone", async () => {
  const param = valuesOf(7, 12);
  const matrix: Matrix = {
    shape: [3, 4],
    hidden: { axes: "in_out" },
    param,
    grad: new Float32Array(12),
  };
  const [after] = await stepped([matrix], configOf({ lr: 0.5, weight_decay: 0.1 }));
  after?.forEach((x, i) => assertAlmostEquals(x, (param[i] as number) * 0.95 ** 2, 1e-6));
});

Deno.test("parts that are not all outputs are refused", () => {
  const span: UpdateSpan = [{
    length: 64,
    decay: true,
    lrScale: 1,
    rule: "matrices",
    params: [{ shape: [4, 6], offset: 0, hidden: { axes: "in_out", parts: [3, 2] } }],
  }];
  assertThrows(
    () => updateGraph([span], { optimizer: muon, config: configOf() }),
    RangeError,
    "Cannot split a matrix of 6 outputs: need parts of that sum: 3, 2",
  );
});

Deno.test("queries, keys and values, and the gates of a cell, are matrices of their own", () => {
  const parts = (params: readonly { name: string; hidden?: HiddenMatrix }[]) =>
    Object.fromEntries(params.flatMap(({ name, hidden }) => hidden ? [[name, hidden]] : []));
  const gpt = parts(shapeOf(tinyConfig(), 13).params);
  assertEquals(gpt["blocks.0.qkv.weight"], { axes: "in_out", parts: [16, 16, 16] });
  assertEquals(gpt["blocks.0.out.weight"], { axes: "in_out" });
  assertEquals(gpt["head.weight"], undefined);
  const config = tinyRecurrent({ model: { kind: "recurrent", cell: "lstm", layers: 1, width: 8 } });
  const lstm = parts(shapeOf(config, 13).params);
  assertEquals(lstm["rnn.weight_hh_l0"], {
    axes: "out_in",
    parts: [8, 8, 8, 8],
  });
});
