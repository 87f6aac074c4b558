/** Config files: both kinds, and what is refused in one line. */
import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { fileURLToPath } from "node:url";
import { UserError } from "../../src/base/user_error.ts";
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
    (path) => assertRejects(() => loadConfig(path), UserError),
  );
  assertEquals(refusal.exit, "config");
  assertEquals(refusal.message.includes("\n"), false, refusal.message);
  assertEquals(refusal.message.startsWith("Cannot load "), true, refusal.message);
  const [, path = ""] = /^Cannot load (.*?): /.exec(refusal.message) ?? [];
  return refusal.message.slice(`Cannot load ${path}: `.length).replaceAll(path, "PATH");
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

for (const suffix of [",a", " größe #1%20"]) {
  Deno.test(`loadConfig() takes a folder that ends in "${suffix}", and no more is read there`, async () => {
    const dir = await Deno.makeTempDir({ suffix });
    try {
      await Deno.mkdir(`${dir}/lib`);
      await Deno.writeTextFile(`${dir}/package.json`, "{}");
      await Deno.writeTextFile(`${dir}/lib/seed.ts`, "export const seed = 5;");
      await Deno.mkdir(`${dir}/configs`);
      const code = 'import { seed } from "../lib/seed.ts";\nexport default { seed };\n';
      await Deno.writeTextFile(`${dir}/configs/a#.ts`, code);
      await Deno.writeTextFile(`${dir}/configs/b.ts`, 'Deno.readTextFileSync("/etc/passwd");');
      assertEquals(await loadConfig(`${dir}/configs/a#.ts`), { seed: 5 });
      await assertRejects(
        () => loadConfig(`${dir}/configs/b.ts`),
        UserError,
        "a config reads only",
      );
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  });
}

Deno.test("loadConfig() refuses a name with a comma", async () => {
  assertEquals(
    await refusalFor("a,b.ts", "export default {};"),
    "need a file that loads: its name needs to be one without a comma",
  );
});

Deno.test("loadConfig() refuses a config that prints a result in the place of its own", async () => {
  const texts = [
    "notjson",
    "5",
    "null",
    "[]",
    '{"value":',
    "[".repeat(2000),
    '{"reason":{}}',
    '{"fault":3}',
    '{"value":{},"reason":"a"}',
    '{"other":{}}',
  ];
  for (const text of texts) {
    const code = `console.log(${JSON.stringify(`\nshoal-config ${text}`)});\nDeno.exit(0);`;
    const says = "need a file that loads: it prints another result than its own";
    assertEquals(await refusalFor("a.ts", code), says);
  }
});

Deno.test("loadConfig() bounds what a config prints and says", async () => {
  const bound = "need a file that loads: its output and its value need at most 1048576 bytes";
  const long = `need a file that loads: ${"y".repeat(1000)}...`;
  const cases: readonly (readonly [code: string, says: string])[] = [
    ['for (;;) console.log("y".repeat(1000));', bound],
    ['for (;;) console.error("y".repeat(1000));', bound],
    ['export default { name: "y".repeat(2e6) };', bound],
    ['throw new Error("y".repeat(1e5));', long],
    ['console.log(`\\nshoal-config {"reason":"${"y".repeat(1e5)}"}`);\nDeno.exit(0);', long],
    [
      'console.log(`\\nshoal-config {"reason":"a\\\\nb\\\\u001b[2J"}`);\nDeno.exit(0);',
      "need a file that loads: a\\nb\\u001b[2J",
    ],
  ];
  for (const [code, says] of cases) assertEquals(await refusalFor("a.ts", code), says, code);
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
      ["a.json", '{"steps": 3\n"seed": 1}'],
      ["a.json", ""],
      ["a.ts", "export default {{;\n"],
      ["a.ts", 'import "./nowhere.ts";\nexport default {};'],
      ["a.ts", 'import "./a%2Fb.ts";\nexport default {};'],
      ["a.ts", 'import "file://host/a.ts";\nexport default {};'],
      ["a.ts", 'throw new Error("two\\nlines");\nexport default {};'],
      ["a.ts", "throw 3;\nexport default {};"],
    ] as const
  ) {
    const fault = await refusalFor(name, text);
    assertEquals(/^need a file that loads: ./.test(fault), true, fault);
  }
});

Deno.test("loadConfig() says where a file goes wrong", async () => {
  const cases = [
    ["a.json", '{\n  "steps": 3\n  "seed": 1\n}', /"seed" at line 3, column 3$/],
    ["a.json", '{\n  "steps": 3,\n  "seed": one }', /"one" at line 3, column 11$/],
    ["a.json", "{\n  'steps': 3 }", /line 2, column 3$/],
    ["a.json", '{\n  "steps": [3\n', /unexpected end of JSON input at line 2, column 14$/],
    ["a.json", '{"steps": 3}\n}', /line 2, column 1$/],
    ["a.ts", "export default {\n  steps: 5\n  seed: 1,\n};\n", /got 'seed' at line 3, column 3$/],
    ["a.js", "export default { steps: 5 + };\n", /line 1, column 29$/],
    ["a.ts", "const a = undefined;\nexport default { steps: a.b };\n", /line 2, column 27$/],
    ["a.ts", 'import "./nowhere.ts";\nexport default {};', /line 1, column 8$/],
  ] as const;
  for (const [name, text, says] of cases) assertMatch(await refusalFor(name, text), says);
  const text = await withFile("b.ts", "export default {{;\n", async (path) => {
    const importer = path.replace("b.ts", "a.ts");
    await Deno.writeTextFile(importer, 'import b from "./b.ts";\nexport default b;\n');
    return (await assertRejects(() => loadConfig(importer), UserError)).message;
  });
  assertMatch(text, / at line 1, column \d+ of \/.+\/b\.ts$/);
});

Deno.test("loadConfig() reads JSON with comments, trailing commas and a byte order mark", async () => {
  const text =
    '\uFEFF// a run\n{\n  "steps": 3, /* few */\n  "checkpoint": { "at": [1, 2,], },\n}\n';
  assertEquals(await withFile("a.json", text, loadConfig), {
    steps: 3,
    checkpoint: { at: [1, 2] },
  });
  // What looks like a comment in a text is none.
  assertEquals(await withFile("a.json", '{"out": "a//b/*c*/,}"}', loadConfig), {
    out: "a//b/*c*/,}",
  });
});

Deno.test("loadConfig() refuses values that are no plain data, and names the first", async () => {
  const cases = {
    "{ steps: 5n }": "steps is the BigInt 5n",
    "{ optim: { lr: NaN } }": "optim.lr is NaN",
    "{ checkpoint: { at: [1, Infinity] } }": "checkpoint.at.1 is Infinity",
    "{ report: { prompts: [undefined] } }": "report.prompts.0 is undefined",
    "{ out() {} }": "out is a function",
    "{ model: class Big {} }": "model is a function",
    '{ name: Symbol("a") }': "name is a symbol",
    "{ optim: new Date() }": "optim is a Date",
    "{ model: new Map() }": "model is a Map",
    "{ checkpoint: { at: new Uint8Array(2) } }": "checkpoint.at is a Uint8Array",
    "new (class Config { steps = 5 })()": "it is a Config",
    "(() => { const a: any = {}; a.model = a; return a; })()": "model contains itself",
    "(() => { const a: any[] = []; a.push(a); return { list: a }; })()": "list.0 contains itself",
    "{ steps: Promise.resolve(5) }": "steps is a Promise",
  };
  for (const [value, says] of Object.entries(cases)) {
    assertEquals(
      await refusalFor("a.ts", `export default ${value};`),
      `need numbers, texts, true, false, null, lists and objects: ${says}`,
    );
  }
  const same =
    "const part = { lr: 1 };\nexport default { optim: part, other: part, out: undefined };";
  assertEquals(Object.keys(await withFile("a.ts", same, loadConfig)), ["optim", "other"]);
});

Deno.test("loadConfig() refuses what is no file, and other endings", async () => {
  const none = await assertRejects(() => loadConfig("nowhere/none.ts"), UserError);
  assertEquals(none.message, "Cannot load nowhere/none.ts: need a file: there is none");
  assertEquals(none.exit, "config");
  assertEquals(
    await refusalFor("a.yaml", "steps: 3"),
    'need a .ts, .js or .json file: the name ends in ".yaml"',
  );
  for (const suffix of [".json", ""]) {
    const dir = await Deno.makeTempDir({ suffix });
    await assertRejects(() => loadConfig(dir), UserError, "need a file: it is a folder");
    await Deno.remove(dir);
  }
});

Deno.test("loadConfig() names the flag that takes a text, a run, a model or tokens", async () => {
  assertEquals(
    await refusalFor("a.txt", "Call me Ishmael."),
    'need a .ts, .js or .json file: the name ends in ".txt"; to train on a text give --data=PATH',
  );
  const INDEX = '{"format":"shoal-tokens-1"}';
  const cases: readonly (readonly [readonly string[], string])[] = [
    [
      ["config.json", "metrics.jsonl"],
      "the folder of a run; give --resume=PATH to go on with it, or PATH/config.json to train it anew",
    ],
    [["config.json"], "the folder of a model; to begin with it give --init=PATH"],
    [["index.json"], "a folder of tokens; to train on it give --data=PATH"],
    [["other.json"], "a folder"],
  ];
  for (const [names, says] of cases) {
    const dir = await Deno.makeTempDir();
    for (const name of names) await Deno.writeTextFile(`${dir}/${name}`, INDEX);
    const { message } = await assertRejects(() => loadConfig(dir), UserError);
    await Deno.remove(dir, { recursive: true });
    const said = message.replace(`Cannot load ${dir}: `, "").replaceAll(dir, "PATH");
    assertEquals(said, `need a file: it is ${says}`);
  }
});

/** A module that loads each of its arguments as a config, and prints why that fails. */
const LOADER = `import { loadConfig } from ${
  JSON.stringify(new URL("../../src/config/load.ts", import.meta.url).href)
};
for (const path of Deno.args) {
  try {
    await loadConfig(path);
    console.log("it loads");
  } catch (error) {
    console.log(error.message.replace("Cannot load " + path + ": need a file that loads: ", ""));
  }
}`;

Deno.test("loadConfig() says what a config may not do, and offers no permission", async () => {
  const nothing = "a config imports nothing from the network";
  const cases: readonly (readonly [string, string])[] = [
    ['Deno.env.get("STEPS");', 'a config reads no environment variable: "STEPS"'],
    ["process.env.STEPS;", 'a config reads no environment variable: "STEPS"'],
    ['import "https://example.com/a.ts";', `${nothing}: "example.com:443"`],
    ['await import("https://deno.land/a.ts");', `${nothing}: "https://deno.land/a.ts"`],
    ['import "jsr:@std/assert@1";', `${nothing}: "https://jsr.io/@std/assert/meta.json"`],
    [
      'await fetch("http://localhost:8080");',
      'a config reads nothing from the network: "localhost:8080"',
    ],
    ['Deno.writeTextFileSync("a", "b");', 'a config writes no file: "a"'],
    ['new Deno.Command("ls").outputSync();', 'a config starts no program: "ls"'],
    ["Deno.hostname();", 'a config asks nothing of the system: "hostname"'],
    ['import "npm:left-pad@1.3.0";', `${nothing}: a package is not one of Shoal's`],
    // No registry has it, as none has anything where there is no network.
    ['import "npm:no.such.package@1.0.0";', `${nothing}: a package is not one of Shoal's`],
    ['await import("npm:no.such.package@1.0.0");', `${nothing}: a package is not one of Shoal's`],
  ];
  const dir = await Deno.makeTempDir();
  const paths = cases.map((_, i) => `${dir}/${i}.ts`);
  for (const [i, [code]] of cases.entries()) {
    await Deno.writeTextFile(paths[i] as string, `${code}\nexport default {};\n`);
  }
  await Deno.writeTextFile(`${dir}/loader.ts`, LOADER);
  const config = fileURLToPath(new URL("../../deno.json", import.meta.url));
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: "run -q --no-prompt --no-remote --no-check --allow-read --config".split(" ")
      .concat(config, `--allow-run=${Deno.execPath()}`, `${dir}/loader.ts`, ...paths),
    env: { NO_COLOR: "1" },
  }).output();
  await Deno.remove(dir, { recursive: true });
  const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  const lines = text.trimEnd().split("\n");
  assertEquals(lines.length, cases.length, text);
  for (const [i, [code, says]] of cases.entries()) {
    const [, said] = /^(.*?)(?: at line \d+, column \d+)?$/.exec(lines[i] ?? "") ?? [];
    assertEquals(said, says, code);
  }
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

Deno.test("what a config throws by itself is said of it, whenever it does", async () => {
  const cases = {
    "export default { get steps(): number { throw new Error('whale') } };": "whale at line 1",
    "export default new Proxy({}, { ownKeys() { throw new Error('calf'); } });": "calf at line 1",
    "Deno.readTextFileSync('/none'); export default {};":
      'imports from its project.*: "/none" at line 1',
    "Deno.readTextFileSync(import.meta.dirname + '/none');":
      'imports from its project.*/none" at line 1',
    "Deno.exit(3);": "its process ended with code 3",
    "console.log('{}'); Deno.exit(0);": "its process ended with code 0",
  };
  for (const [text, says] of Object.entries(cases)) {
    assertMatch(await refusalFor("a.ts", text), new RegExp(`need a file that loads: .*${says}`));
  }
});
