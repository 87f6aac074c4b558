/** The examples of CONTRIBUTING work as they stand: a model in one file, an op in two. */
import { assert, assertEquals, assertLess } from "@std/assert";
import { pathToFileURL } from "node:url";
import { openReference } from "../src/device/reference.ts";
import { openWebGpu } from "../src/device/webgpu.ts";
import { newTrace } from "../src/graph/trace.ts";
import type { Case, Op } from "../src/graph/types.ts";
import type { AnyModel, ModelDefinition } from "../src/models/definition.ts";
import { newScope } from "../src/nn/scope.ts";
import { planOf, randomInputs } from "../src/testing/cases.ts";
import { tolerance } from "../src/testing/tolerance.ts";
import { checkVjp } from "./support/graph/differences.ts";
import { onGpu } from "./support/gpu.ts";

const ROOT = new URL("../", import.meta.url);

/** Code blocks of a language in a page, in order. */
async function blocks(language: string, page = "CONTRIBUTING.md"): Promise<string[]> {
  const text = await Deno.readTextFile(new URL(page, ROOT));
  const pattern = new RegExp("```" + language + "\\n([^]*?)```", "g");
  return Array.from(text.matchAll(pattern), (match) => match[1] as string);
}

/** A block as a module; its relative imports are those of the repository's root. */
async function load(code: string): Promise<Record<string, unknown>> {
  const path = await Deno.makeTempFile({ suffix: ".ts" });
  const absolute = code.replaceAll(/from "\.\/(src\/|kernels\/|mod\.ts)/g, `from "${ROOT}$1`)
    .replaceAll('from "shoal"', `from "${ROOT}mod.ts"`)
    .replace('from "zod"', `from "${import.meta.resolve("zod")}"`);
  await Deno.writeTextFile(path, absolute);
  try {
    return await import(pathToFileURL(path).href);
  } finally {
    await Deno.remove(path);
  }
}

Deno.test("CONTRIBUTING's model traces to logits with its parameters", async () => {
  const [code] = await blocks("ts");
  const { bag } = await load(code as string) as { bag: ModelDefinition<AnyModel> };
  const trace = newTrace();
  const { scope, params } = newScope(trace, { training: true });
  const ids = () => trace.source({ shape: [2, 5], dtype: "u32" }, "batch", "ids");
  const config = bag.schema.parse({ kind: "bag", width: 8 });
  const sizes = { vocabulary: 11, classes: 3 };
  const input = { tokens: ids(), ...sizes, last: false, carries: false };
  const logits = bag.logits?.(scope, input, config);
  assert(logits?.shape.join() === "2,5,3");
  const task = { ...sizes, time: 5, targetKind: "token_class", carries: false } as const;
  const batch = { tokens: ids(), targets: ids() };
  const terms = bag.loss(scope, batch, config, { ...task, tensors: {}, countedPerWindow: 5 });
  assertEquals(Object.keys(terms), ["nll", "correct"]);
  assert(params.map((p) => p.name).includes("up.weight"));
});

Deno.test(onGpu("CONTRIBUTING's op matches its reference on the GPU"), async () => {
  const [wgsl] = await blocks("wgsl");
  const code = (await blocks("ts"))[1] as string;
  const { rowScale } = await load(code.replace('"..."', JSON.stringify(wgsl))) as { rowScale: Op };
  const gpu = await openWebGpu({ runtime: Deno.version.deno });
  for (const test of rowScale.cases as readonly Case[]) {
    const [got, want] = await Promise.all([gpu, openReference()].map(async (device) => {
      const memory = device.memory();
      const program = await device.load(planOf(rowScale, test.inputs, test.attrs), memory);
      randomInputs(test).forEach(({ data }, i) => memory.write(`x${i}`, data as Float32Array));
      program.run();
      const length = (test.inputs[0]?.shape ?? []).reduce((a, b) => a * b, 1);
      return await memory.read([{ slot: "y0", offset: 0, length }]);
    }));
    want?.forEach((value, i) => {
      assertLess(Math.abs(value - (got?.[i] as number)), tolerance(1, 1));
    });
  }
  gpu.close();
});

Deno.test("the composed op of docs/extend_op.md has the values that the page says", async () => {
  const [op, use] = await blocks("ts", "docs/extend_op.md");
  const code = `${op}\n${use}`.replace(/console\.log\((.*)\);.*/, "export const values = $1;");
  const { values, standardizeOp } = await load(code) as {
    values: Float32Array;
    standardizeOp: Op;
  };
  assert(/\/\/ -1\.34, -0\.45, 0\.45, 1\.34/.test(use as string));
  [-1.34, -0.45, 0.45, 1.34].forEach((v, i) => assertLess(Math.abs(v - (values[i] ?? NaN)), 5e-3));
  for (const test of standardizeOp.cases) await checkVjp(standardizeOp, test);
});
