/** What the documents promise of configs: a stored one trains again, a new kind trains on any. */
import { assert, assertEquals } from "@std/assert";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { copyCheckout, namesIn, Place, taskOptions, tinyArgs } from "../support.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

Deno.test("a run's stored config trains it again beside it, to the same bits", async () => {
  using place = new Place();
  await place.succeed(tinyArgs("run", "--steps=3"));
  await place.succeed(["run/config.json"]);
  await place.succeed(["run/config.json", "--workers=2"]);
  assertEquals(namesIn(place.path).filter((name) => name.startsWith("run")), [
    "run",
    "run-2",
    "run-3",
  ]);
  assertEquals(place.stateHash("run-2"), place.stateHash("run"));
  assertEquals(place.stateHash("run-3"), place.stateHash("run"));
});

Deno.test("CONTRIBUTING's model, put where it says, trains on the default config", async () => {
  using place = new Place();
  const checkout = copyCheckout(place.of("checkout"));
  const page = Deno.readTextFileSync(join(ROOT, "CONTRIBUTING.md"));
  const [, code = ""] = /```ts\n([^]*?)```/.exec(page) ?? [];
  const places = /Then `(\w+)` in the union `(\w+)` and `(\w+)` in the table `(\w+)`/.exec(page);
  const [, schema = "", union = "", model = "", table = ""] = places ?? [];
  Deno.writeTextFileSync(
    join(checkout, "src/models/bag.ts"),
    // Imports of the page are those of the repository's root.
    code.replaceAll("./src/models/", "./").replaceAll("./src/", "../"),
  );
  const registry = join(checkout, "src/models/mod.ts");
  const old = Deno.readTextFileSync(registry);
  const added = old
    .replace(new RegExp(`(${union} = [^[]*\\[)`), `$1${schema}, `)
    .replace(`export const ${table} = {`, `export const ${table} = { ${model},`)
    .replace("import { gpt,", `import { ${model}, ${schema} } from "./bag.ts";\nimport { gpt,`);
  assert(added.includes("[bagSchema, ") && added.includes("{ bag,"), added);
  Deno.writeTextFileSync(registry, added);
  const { code: exit, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...taskOptions(),
      join(checkout, "src/cli/train/train.ts"),
      "--model.kind=bag",
      "--steps=2",
      "--micro_batch_size=1",
      "--eval.windows=2",
      "--report.sample_length=5",
      "--data=../text.txt",
      "--workers=1",
      "--out=run",
    ],
    cwd: checkout,
    // The tests may themselves be a task, whose caller's folder is another.
    env: {
      NO_COLOR: "1",
      MESA_VK_DEVICE_SELECT: "",
      XDG_RUNTIME_DIR: place.path,
      INIT_CWD: checkout,
    },
    stdin: "null",
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  assertEquals(exit, 0, text(stdout) + text(stderr));
  assertEquals(
    text(stderr).trim(),
    "Left out model.layers, model.heads, model.dropout: a model of kind bag has no such key",
  );
  const config = JSON.parse(Deno.readTextFileSync(join(checkout, "run/config.json")));
  assertEquals(config.model, { kind: "bag", width: 64 });
});
