/** Exports in 16-bit floats and in several files. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { openModel } from "../../src/artifacts/model.ts";
import { writeExported } from "../../src/artifacts/exported.ts";
import { UserError } from "../../src/base/user_error.ts";
import { narrowed, type WeightType } from "../../src/checkpoint/tensors/narrow.ts";
import { widened } from "../../src/checkpoint/tensors/widen.ts";
import { names, TempFolder } from "../checkpoint/fixture.ts";
import { portableOf } from "./models.ts";

const LLAMA = { kind: "llama", layers: 2, width: 8, heads: 2 };
const DTYPES: Readonly<Record<WeightType, string>> = { f32: "F32", f16: "F16", bf16: "BF16" };

/** What a file of the type holds of an array. */
const rounded = (data: Float32Array, type: WeightType) =>
  widened(DTYPES[type], narrowed(data, type).slice());

Deno.test("bf16 rounds to the nearest, ties to even, and keeps what is special", () => {
  const bits = (...words: number[]) => new Float32Array(Uint32Array.from(words).buffer);
  const halves = (
    data: Float32Array,
  ) => [...new Uint16Array(narrowed(data, "bf16").slice().buffer)];
  assertEquals(
    halves(bits(0x3f800000, 0x3f808000, 0x3f818000, 0x3f808001, 0x3f807fff, 0x80000000)),
    [0x3f80, 0x3f80, 0x3f82, 0x3f81, 0x3f80, 0x8000],
  );
  // The largest values round to infinity; a NaN whose kept bits are zero is still one.
  assertEquals(halves(bits(0x7f7fffff, 0xff800000, 0x7f800001)), [0x7f80, 0xff80, 0x7fc0]);
});

Deno.test("an export has the type and the files that were asked for, and comes back", async () => {
  const made = { ...portableOf({ model: LLAMA }), step: 0, tokenizer: undefined };
  for (const [type, shardBytes] of [["f32", 3000], ["f16", 700], ["bf16", undefined]] as const) {
    using temp = new TempFolder();
    const out = `${temp.path}/out`;
    await writeExported(out, made, { type, shardBytes });
    const files = names(out).filter((name) => name.endsWith(".safetensors"));
    assertEquals(files.length > 1, shardBytes !== undefined);
    assertEquals(names(out).includes("model.safetensors.index.json"), shardBytes !== undefined);
    for (const name of files) {
      assert(shardBytes === undefined || Deno.statSync(`${out}/${name}`).size < shardBytes + 2000);
    }
    const json = JSON.parse(Deno.readTextFileSync(`${out}/config.json`));
    assertEquals(json.dtype, { f32: "float32", f16: "float16", bf16: "bfloat16" }[type]);
    const { params } = await openModel(out);
    assertEquals([...params.keys()].sort(), [...made.params.keys()].sort());
    for (const [name, { data }] of params) {
      assertEquals(data, rounded(made.params.get(name)?.data as Float32Array, type), name);
    }
  }
});

Deno.test("a value beyond f16 is refused, and nothing is written", async () => {
  using temp = new TempFolder();
  const made = portableOf({ model: LLAMA });
  const large = made.params.get("norm.weight");
  large?.data.fill(7e4);
  const write = (type: WeightType) =>
    writeExported(`${temp.path}/out`, { ...made, step: 0, tokenizer: undefined }, { type });
  await assertRejects(() => write("f16"), UserError, "or bf16: model.norm.weight has 70000");
  assertEquals(names(temp.path), []);
  await write("bf16");
});
