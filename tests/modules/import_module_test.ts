/** Modules of the user: what they import, their hash, and one line for each fault. */
import { assert, assertEquals, assertMatch, assertNotEquals, assertRejects } from "@std/assert";
import { basename } from "node:path";
import { UserError } from "../../src/base/user_error.ts";
import { checkModule } from "../../src/modules/check_module.ts";
import { importUserModule } from "../../src/modules/import_module.ts";
import { readLocalModule } from "../../src/modules/local_files.ts";

/** A folder of modules. */
class Folder implements Disposable {
  readonly path = Deno.makeTempDirSync({ prefix: "shoal-modules-" });

  /** Writes a module, and returns its path. */
  write(name: string, text: string): string {
    const path = `${this.path}/${name}`;
    Deno.writeTextFileSync(path, text);
    return path;
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}

const namesOf = (path: string) =>
  Array.from(readLocalModule(path).files.keys(), (file) => basename(file));

async function lineOf(work: () => Promise<unknown>): Promise<string> {
  const { message } = await assertRejects(work, UserError);
  assert(!message.includes("\n"), message);
  return message;
}

Deno.test("a module is its file and what it imports by relative paths, but not Shoal", () => {
  using folder = new Folder();
  const path = folder.write(
    "model.ts",
    `import { z } from "shoal";
import { a } from './a.ts';
import data from "./data.json" with { type: "json" };
// import "./comment.ts";
export * from "./b.ts";
const late = () => import("./c.ts");
`,
  );
  folder.write("a.ts", 'export { b as a } from "./b.ts";');
  folder.write("b.ts", "export const b = 1;");
  folder.write("c.ts", 'import "./missing.ts";');
  folder.write("comment.ts", "");
  folder.write("data.json", "[1]");
  assertEquals(namesOf(path), ["a.ts", "b.ts", "c.ts", "data.json", "model.ts"]);
});

Deno.test("the hash of a module changes with each of its files, and not with its place", () => {
  using folder = new Folder();
  using other = new Folder();
  const path = folder.write("m.ts", 'import "./a.ts";');
  folder.write("a.ts", "export {};");
  const { sha256 } = readLocalModule(path);
  assertMatch(sha256, /^[0-9a-f]{64}$/);
  const moved = other.write("m.ts", 'import "./a.ts";');
  other.write("a.ts", "export {};");
  assertEquals(readLocalModule(moved).sha256, sha256);
  other.write("a.ts", "export {}; ");
  assertNotEquals(readLocalModule(moved).sha256, sha256);
});

Deno.test("a module is imported once, and refused when it changes later", async () => {
  using folder = new Folder();
  const path = folder.write("m.ts", 'import { a } from "./a.ts"; export default { a };');
  folder.write("a.ts", "export const a = 3;");
  const first = await importUserModule(path);
  assertEquals(first.exported, { a: 3 });
  assertEquals((await importUserModule(path)).exported, first.exported);
  const changed = folder.write("a.ts", "export const a = 4;");
  const message = await lineOf(() => importUserModule(path));
  assertEquals(
    message,
    `Cannot use the module ${path}: need its files as this process imported them: ${changed} ` +
      "changed since; start again",
  );
});

Deno.test("a module that cannot be one, is missing or throws is refused in one line", async () => {
  using folder = new Folder();
  const line = (path: string) => lineOf(() => importUserModule(path));
  assertMatch(await line(`${folder.path}/none.ts`), /^Cannot use the module .*none\.ts: /);
  assertMatch(await line(folder.write("m.txt", "")), /need a file that ends in \.ts, \.js/);
  assertMatch(await line(folder.write("a,b.ts", "")), /need a path without a comma/);
  assertMatch(
    await line(folder.write("throws.ts", '\nthrow new Error("not today\\nor ever");')),
    /throws\.ts: not today at line 2, column 7$/,
  );
  assertMatch(await line(folder.write("value.ts", "throw { a: 1 };")), /value\.ts: \{"a":1\}$/);
  assertMatch(await line(folder.write("syntax.ts", "const = 1;")), /syntax\.ts: .*line 1/);
});

Deno.test("a child process finds modules that never end, or need what workers may not do", async () => {
  using folder = new Folder();
  const limits = { wait: 300, compute: 3000 };
  const check = (name: string, text: string) =>
    checkModule(readLocalModule(folder.write(name, text)), limits);
  await check("good.ts", 'import { defineOp } from "shoal"; export default typeof defineOp;');
  const line = (name: string, text: string) => lineOf(() => check(name, text));
  assertMatch(await line("loops.ts", "while (true);"), /it computes for longer than 3 s$/);
  assertMatch(await line("waits.ts", "await new Promise(() => {});"), /waits for longer than 0\.3/);
  assertMatch(
    await line("reads.ts", 'Deno.readTextFileSync("/etc/hostname");'),
    /reads\.ts: a module reads only .*"\/etc\/hostname" at line 1/,
  );
  assertMatch(await line("env.ts", 'Deno.env.get("HOME");'), /reads no environment variable/);
  assertMatch(await line("net.ts", 'import "https://example.com/x.ts";'), /from the network/);
  assertMatch(await line("ends.ts", "Deno.exit(0);"), /its process ended with code 0$/);
});
