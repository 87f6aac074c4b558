/** Config files: both kinds, and what is refused in one line. */
import { assertEquals, assertRejects } from "@std/assert";
import { fileURLToPath } from "node:url";
import { Refusal } from "../../src/base/refusal.ts";
import { loadConfig } from "../../src/config/load.ts";
import { resolveConfig } from "../../src/config/resolve.ts";

async function withFile<T>(name: string, text: string, use: (path: string) => Promise<T>) {
  const dir = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${dir}/${name}`, text);
    return await use(`${dir}/${name}`);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** What `loadConfig` refuses in a file of this name and text. */
async function refusalFor(name: string, text: string): Promise<string> {
  const refusal = await withFile(
    name,
    text,
    (path) => assertRejects(() => loadConfig(path), Refusal),
  );
  assertEquals(refusal.exit, "config");
  assertEquals(refusal.message.includes("\n"), false, refusal.message);
  assertEquals(refusal.message.startsWith("Cannot load "), true, refusal.message);
  return refusal.message.slice(refusal.message.indexOf(name) + name.length + 2);
}

Deno.test("loadConfig() reads JSON and default exports alike", async () => {
  const value = { steps: 3, optim: { lr: 1e-3 } };
  assertEquals(await withFile("a.json", JSON.stringify(value), loadConfig), value);
  const code = "const steps: number = 3;\nexport default { steps, optim: { lr: 1e-3 } };";
  assertEquals(await withFile("a.ts", code, loadConfig), value);
  assertEquals(await withFile("a.js", code.replace(": number", ""), loadConfig), value);
});

Deno.test("loadConfig() takes a path relative to the working directory, with odd characters", async () => {
  const value = await withFile("a b#1?%20.ts", "export default { seed: 5 };", (path) => {
    const up = Deno.cwd().split("/").filter((part) => part !== "").map(() => "..").join("/");
    return loadConfig(`./${up}${path}`);
  });
  assertEquals(value, { seed: 5 });
});

Deno.test("loadConfig() refuses files that give no object", async () => {
  assertEquals(
    await refusalFor("a.ts", "export const a = 1;"),
    "need an object as default export: there is none",
  );
  assertEquals(
    await refusalFor("a.ts", "export default 3;"),
    "need an object as default export: it is another value",
  );
  assertEquals(await refusalFor("a.json", "[1]"), "need an object: it is another value");
  assertEquals(await refusalFor("a.json", "null"), "need an object: it is another value");
});

Deno.test("loadConfig() refuses files that do not load, in one line", async () => {
  for (
    const [name, text] of [
      ["a.json", '{"steps": 3,\n}'],
      ["a.json", ""],
      ["a.ts", "export default {{;\n"],
      ["a.ts", 'import "./nowhere.ts";\nexport default {};'],
      ["a.ts", 'throw new Error("two\\nlines");\nexport default {};'],
      ["a.ts", "throw 3;\nexport default {};"],
    ] as const
  ) {
    const fault = await refusalFor(name, text);
    assertEquals(/^need a file that loads: ./.test(fault), true, fault);
  }
});

Deno.test("loadConfig() refuses what is no file, and other endings", async () => {
  const none = await assertRejects(() => loadConfig("nowhere/none.ts"), Refusal);
  assertEquals(none.message, "Cannot load nowhere/none.ts: need a file: there is none");
  assertEquals(none.exit, "config");
  assertEquals(
    await refusalFor("a.yaml", "steps: 3"),
    'need a .ts, .js or .json file: the name ends in ".yaml"',
  );
  const dir = await Deno.makeTempDir({ suffix: ".json" });
  await assertRejects(() => loadConfig(dir), Refusal, "need a file: it is none");
  await Deno.remove(dir);
});

Deno.test("the configs of the project resolve, under their own names", async () => {
  const dir = new URL("../../configs/", import.meta.url);
  const names = Array.from(Deno.readDirSync(dir)).filter(({ isFile }) => isFile).map(({ name }) =>
    name
  );
  assertEquals(names.includes("gpt_char.ts") && names.includes("smoke.ts"), true);
  for (const name of names) {
    const config = resolveConfig(await loadConfig(fileURLToPath(new URL(name, dir))));
    assertEquals(`${config.name}.ts`, name);
  }
});
