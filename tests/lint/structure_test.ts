import { assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { MODELS } from "../../src/models/mod.ts";
import {
  duplicateExports,
  importCycles,
  importsOf,
  kindBranches,
  largeFolders,
  longFiles,
  MAX_FILES,
  MAX_LINES,
  type SourceFiles,
} from "./structure.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** Folders of the repository. */
const FOLDERS = ["bench", "configs", "examples", "kernels", "src", "tests", "workers"];

/** Paths of all files below a folder, except runs, which are not part of the repository. */
function* pathsIn(folder: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(ROOT + folder)) {
    const path = `${folder}/${name}`;
    if (!isDirectory) yield path;
    else if (name !== "runs") yield* pathsIn(path);
  }
}

/** All source files of src, workers and kernels. */
function sources(): SourceFiles {
  const paths = ["src", "workers", "kernels"].flatMap((folder) => Array.from(pathsIn(folder)));
  // A .d.ts file declares the names of a package.
  const files = paths.filter((path) => !path.endsWith(".d.ts"));
  return new Map(files.map((path) => [path, Deno.readTextFileSync(ROOT + path)]));
}

const textOf = (lines: number) => "x\n".repeat(lines);

Deno.test(`no source file has more than ${MAX_LINES} lines`, () => {
  const files = new Map([["src/a.ts", textOf(MAX_LINES)], ["src/b.ts", textOf(MAX_LINES + 1)]]);
  assertEquals(longFiles(files), [`src/b.ts: ${MAX_LINES + 1}`]);
  assertEquals(longFiles(sources()), []);
});

Deno.test(`no folder has more than ${MAX_FILES} files`, () => {
  const paths = (folder: string, count: number) =>
    Array.from({ length: count }, (_, i) => `${folder}/${i}.ts`);
  assertEquals(largeFolders(paths("src/a", MAX_FILES)), []);
  assertEquals(largeFolders(paths("src/a", MAX_FILES + 1)), [`src/a: ${MAX_FILES + 1}`]);
  assertEquals(largeFolders([...paths("src/a", MAX_FILES), "src/a/b/c.ts"]), []);
  assertEquals(largeFolders(paths("tests/golden/gpt", MAX_FILES + 1)), []);
  assertEquals(largeFolders(FOLDERS.flatMap((folder) => Array.from(pathsIn(folder)))), []);
});

Deno.test("no source files import each other, directly or through others", () => {
  const files = new Map([
    ["src/a.ts", 'import { b } from "./x/b.ts";\nexport const a = b;\n'],
    ["src/x/b.ts", 'export type { C } from "../c.ts";\nexport const b = 1;\n'],
    ["src/c.ts", "import type {\n  A,\n} from './d.ts';\nimport {\n  a,\n} from \"./a.ts\";\n"],
    ["src/e.ts", '// import { a } from "./e.ts";\nexport const load = () => import("./c.ts");\n'],
  ]);
  assertEquals(importCycles(files), [["src/a.ts", "src/x/b.ts", "src/c.ts", "src/a.ts"]]);
  assertEquals(importsOf("src/e.ts", files.get("src/e.ts") as string), ["src/c.ts"]);
  assertEquals(
    importCycles(new Map(Array.from(files).filter(([path]) => path !== "src/c.ts"))),
    [],
  );
  assertEquals(importCycles(sources()), []);
});

Deno.test("no name is exported with two meanings", () => {
  const files = new Map([
    ["src/a.ts", "export interface Part {}\nexport function f(x: 1): 1;\nexport function f() {}\n"],
    [
      "src/b.ts",
      'export type Part = 1;\nexport { f } from "./a.ts";\nexport async function g() {}\n',
    ],
    ["src/c.ts", "interface Part {}\nconst f = 1;\n"],
  ]);
  assertEquals(duplicateExports(files), ["Part: src/a.ts, src/b.ts"]);
  assertEquals(duplicateExports(sources()), []);
});

Deno.test("no source file branches on the kind of a model outside the model's own", () => {
  const branches = [
    'if (model.kind === "gpt") return 1;',
    'return "recurrent" !== name;',
    'case "gpt":',
    "const same = a.model.kind === b.model.kind;",
    "switch (config.model.kind) {",
    "const { schema } = MODELS.gpt;",
  ];
  const lines = branches.map((line) => `  ${line}\n`).join("");
  const fine =
    '/** model.kind === "gpt" */\nconst preset = { kind: "gpt" };\nmodelOf(model).carries;\n';
  const files = new Map([
    ["src/a.ts", lines],
    ["src/b.ts", fine],
    ["src/models/gpt/a.ts", lines],
  ]);
  const kinds = Object.keys(MODELS);
  assertEquals(kindBranches(files, kinds), branches.map((line) => `src/a.ts: ${line}`));
  assertEquals(kindBranches(sources(), kinds), []);
});
