/** Modules that a command line names replace what the config has there. */
import { assertEquals } from "@std/assert";
import { resolve } from "node:path";
import { withNamedModules } from "../../src/config/user/user_modules.ts";

const CONFIG = {
  steps: 3,
  model: { kind: "gpt", layers: 2, width: 8 },
  data: { source: "text", seq_len: 16, path: "my.txt" },
};
const module = resolve("mine.ts");

Deno.test("a model of a module takes no keys of the kind that the config has", () => {
  const overrides = { "model.module": "mine.ts", "model.kind": "own", "model.width": "4" };
  assertEquals(withNamedModules(CONFIG, overrides), {
    config: { ...CONFIG, model: { kind: "own", module } },
    overrides: { "model.width": "4" },
    dropped: ["model.layers", "model.width"],
  });
});

Deno.test("a source of a module keeps the other keys of the data", () => {
  const { config, dropped } = withNamedModules(CONFIG, { "data.module": "mine.ts" });
  assertEquals(config["data"], { seq_len: 16, path: "my.txt", module });
  assertEquals(dropped, []);
});

Deno.test("a module at another place keeps the keys of a run", () => {
  const model = { kind: "own", width: 4, module: "/old/mine.ts", sha256: "0".repeat(64) };
  const { config, dropped } = withNamedModules({ model }, { "model.module": "mine.ts" });
  assertEquals([config, dropped], [{ model: { ...model, module } }, []]);
});

Deno.test("a tokenizer of a module is named before the config is read", () => {
  const own = withNamedModules(CONFIG, { "data.tokenizer": "words.ts" });
  assertEquals(own.config["data"], { ...CONFIG.data, tokenizer: resolve("words.ts") });
  assertEquals(own.overrides, {});
  const theirs = { "data.tokenizer": "char" };
  assertEquals(withNamedModules(CONFIG, theirs), {
    config: CONFIG,
    overrides: theirs,
    dropped: [],
  });
});
