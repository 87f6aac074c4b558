import { assertEquals, assertStringIncludes } from "@std/assert";
import { fileURLToPath } from "node:url";
import { COMPOSERS, LAYERS, OUTSIDE } from "./layers.ts";
import plugin, { importFault, outsideFault, roomOf } from "./plugin.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** The plugin's messages for a file of the repository with this text. */
function faults(file: string, text: string): string[] {
  return Deno.lint.runPlugin(plugin, ROOT + file, text).map(({ message }) => message);
}

/** The folders directly in a folder of the repository. */
function folders(path: string): string[] {
  return Array.from(Deno.readDirSync(ROOT + path)).filter((e) => e.isDirectory)
    .map((e) => e.name).sort();
}

Deno.test("a room may import itself, the rooms of its row, and nothing else", () => {
  assertEquals(importFault("src/nn/layers.ts", "./scope.ts"), undefined);
  assertEquals(importFault("src/nn/layers.ts", "../graph/types.ts"), undefined);
  assertEquals(importFault("src/nn/layers.ts", "../../kernels/matmul/matmul.ts"), undefined);
  assertEquals(
    importFault("src/base/hash.ts", "../graph/types.ts"),
    "src/base may import nothing, not src/graph",
  );
  assertEquals(
    importFault("src/graph/trace.ts", "../plan/types.ts"),
    "src/graph may import src/base, src/wasm, not src/plan",
  );
  // Rows are not inherited: src/reduce may import src/transport, src/config may not.
  assertStringIncludes(importFault("src/config/keys.ts", "../transport/frame.ts") ?? "", "not src");
});

Deno.test("no room may import one that composes, or a file that is in no room", () => {
  assertStringIncludes(
    importFault("src/report/lines.ts", "../../workers/run/run.ts") ?? "",
    "not workers",
  );
  assertStringIncludes(importFault("src/base/hash.ts", "../../mod.ts") ?? "", "not mod.ts");
  assertStringIncludes(importFault("src/nn/layers.ts", "../extra/x.ts") ?? "", "not src/extra/x");
});

Deno.test("rooms that compose may import every room", () => {
  for (const room of COMPOSERS) {
    const up = "../".repeat(room.split("/").length);
    for (const other of Object.keys(LAYERS)) {
      assertEquals(importFault(`${room}/x.ts`, `${up}${other}/y.ts`), undefined);
    }
  }
});

Deno.test("only tests import tests: benches and commands run without them", () => {
  for (const room of COMPOSERS) {
    const up = "../".repeat(room.split("/").length);
    const fault = importFault(`${room}/x.ts`, `${up}tests/support/y.ts`);
    assertEquals(fault === undefined, room === "tests", room);
  }
});

Deno.test("packages may be used where the second table says, and nowhere else", () => {
  assertEquals(outsideFault("src/data/schema.ts", "zod"), undefined);
  assertEquals(outsideFault("src/models/gpt/mod.ts", "zod"), undefined);
  assertStringIncludes(outsideFault("src/data/read.ts", "zod") ?? "", "zod may be used in");
  assertStringIncludes(outsideFault("src/data/my_schema.ts", "zod") ?? "", "not in src/data/my");
  assertStringIncludes(importFault("src/nn/layers.ts", "zod/v4") ?? "", "zod may be used in");
  assertEquals(importFault("src/cli/args.ts", "@std/cli/parse-args"), undefined);
  assertStringIncludes(
    importFault("workers/run/run.ts", "@std/cli/parse-args") ?? "",
    "@std/cli may",
  );
});

Deno.test("packages come through the import map, whoever imports them", () => {
  for (const source of ["npm:zod@4", "jsr:@std/fmt", "https://example.com/x.ts"]) {
    for (const file of ["src/data/schema.ts", "workers/run/run.ts", "tests/x_test.ts"]) {
      assertEquals(
        importFault(file, source),
        `Import ${source} through the import map of deno.json`,
      );
    }
  }
  assertEquals(importFault("workers/run/run.ts", "node:path"), undefined);
});

Deno.test("the plugin sees imports of every form", () => {
  const fault = "src/base may import nothing, not src/graph";
  for (
    const text of [
      'import { x } from "../graph/types.ts";',
      'import type { X } from "../graph/types.ts";',
      'import "../graph/types.ts";',
      'export { x } from "../graph/types.ts";',
      'export * from "../graph/types.ts";',
      'const x = await import("../graph/types.ts");',
    ]
  ) assertEquals(faults("src/base/x.ts", text), [fault], text);
  assertEquals(faults("src/plan/x.ts", 'import { x } from "../graph/types.ts";'), []);
});

Deno.test("the plugin sees Deno and navigator in rooms that are pure", () => {
  const read = 'export const text = () => Deno.readTextFileSync("x");';
  const adapter = "export const adapter = () => navigator.gpu.requestAdapter();";
  assertStringIncludes(faults("src/graph/x.ts", read)[0] ?? "", "not in src/graph/x.ts");
  assertStringIncludes(faults("src/data/windows.ts", read)[0] ?? "", "Deno may be used in");
  assertStringIncludes(faults("src/plan/x.ts", adapter)[0] ?? "", "navigator.gpu may be used");
  assertEquals(faults("src/data/read.ts", read), []);
  assertEquals(faults("src/device/x.ts", adapter), []);
  assertEquals(faults("workers/x.ts", read), []);
  assertEquals(faults("src/plan/x.ts", "export const n = navigator.hardwareConcurrency;"), []);
});

Deno.test("only configs export a default", () => {
  const text = "export default {};";
  assertEquals(faults("configs/x.ts", text), []);
  for (const file of ["src/base/x.ts", "workers/x.ts", "tests/x.ts", "mod.ts"]) {
    assertEquals(faults(file, text), ["Only configs export a default"], file);
  }
});

Deno.test("the plugin sees URLs that are taken for paths, and paths for URLs", () => {
  for (
    const text of [
      'export const path = new URL("x", import.meta.url).pathname;',
      'export const path = (url: URL) => url["pathname"];',
      "export const path = ({ pathname }: URL) => pathname;",
      "export const url = (path: string) => `file://${path}`;",
      'export const url = (path: string) => "file://" + path;',
      'export const url = (path: string) => new URL(path, "file:///");',
    ]
  ) {
    for (const file of ["src/cli/x.ts", "workers/x.ts", "bench/x.ts", "tests/x.ts"]) {
      assertEquals(faults(file, text).length, 1, text);
    }
  }
  const text = 'export const path = fileURLToPath(new URL("x", import.meta.url));';
  assertEquals(faults("src/cli/x.ts", text), []);
});

Deno.test("the plugin sees who says what an error of a file means", () => {
  for (
    const text of [
      "export const x = (e: unknown) => e instanceof Deno.errors.NotFound;",
      "export const x = () => { const { NotCapable } = Deno.errors; return NotCapable; };",
      'export const x = (e: { code: string }) => e.code === "ENOSPC";',
    ]
  ) {
    for (const file of ["src/cli/x.ts", "workers/x.ts"]) {
      assertEquals(faults(file, text).length, 1, text);
    }
    for (const file of ["src/base/file_fault.ts", "tests/x.ts"]) {
      const said = faults(file, text).filter((fault) => /errors of files/.test(fault));
      assertEquals(said, [], text);
    }
  }
  const text = "export const x = (e: unknown) => e instanceof Deno.errors.BrokenPipe;";
  assertEquals(faults("src/cli/x.ts", text), []);
});

Deno.test("no list of unknown length is spread over the arguments of a builtin", () => {
  for (
    const call of [
      "Math.max(...xs)",
      "Math.min(0, ...xs.map(Math.abs))",
      "xs.push(...ys)",
      "String.fromCharCode(...xs)",
      "Uint8Array.of(...xs, 1)",
      "Object.assign({}, ...xs)",
      "new Set(...xs)",
      "Math.max.apply(null, xs)",
      "xs.push.apply(xs, ys)",
    ]
  ) {
    for (const file of ["src/base/x.ts", "workers/x.ts", "kernels/x.ts"]) {
      assertStringIncludes(faults(file, call)[0] ?? "", "use maxOf, minOf or append", call);
    }
    assertEquals(faults("tests/x.ts", call), [], call);
  }
  for (const call of ["f(...shape)", "[...xs, ...ys]", "trace.apply(xs)", "Math.max(a, b)"]) {
    assertEquals(faults("src/base/x.ts", call), [], call);
  }
});

Deno.test("the tables and the folders are the same", () => {
  const rooms = [...Object.keys(LAYERS), ...COMPOSERS];
  for (const room of rooms) {
    assertEquals(Deno.statSync(ROOT + room).isDirectory, true, `${room} is not a folder`);
  }
  assertEquals(new Set(rooms).size, rooms.length);
  const inTable = rooms.filter((room) => room.startsWith("src/")).map((room) => room.slice(4));
  assertEquals(folders("src"), inTable.sort());
});

Deno.test("each row names only rows above it", () => {
  const rooms = Object.keys(LAYERS);
  for (const [i, room] of rooms.entries()) {
    for (const below of LAYERS[room] ?? []) {
      assertEquals(rooms.indexOf(below) < i && rooms.includes(below), true, `${room}: ${below}`);
    }
  }
});

Deno.test("a place that may use the outside lies in a room and exists", () => {
  for (const place of Object.values(OUTSIDE).flat()) {
    if (place === "schema.ts") continue; // A name of files, in any room.
    assertEquals(roomOf(place + "/") !== undefined, true, `${place} lies in no room`);
    Deno.statSync(ROOT + place);
  }
});

Deno.test("the plugin sees text that goes to a terminal beside the one way there", () => {
  for (
    const text of [
      'export const x = () => console.log("a");',
      "export const x = { warn: console.error };",
      "export const x = () => { const { log } = console; return log; };",
      "export const x = () => globalThis.console.info;",
      'export const x = () => Deno.stderr.writeSync(new TextEncoder().encode("a"));',
      "export const x = (text: ReadableStream) => text.pipeTo(Deno.stdout.writable);",
      "export const x = () => { const { stdout } = Deno; return stdout; };",
      'import process from "node:process"; export const x = process;',
      'export const x = () => alert("a");',
      'import { openOutput } from "./output.ts"; export const x = openOutput;',
      'export const x = () => new Deno.Command("a", { stderr: "inherit" });',
    ]
  ) {
    for (const file of ["src/cli/x.ts", "workers/x.ts", "examples/x.ts", "bench/x.ts"]) {
      assertEquals(faults(file, text).length, 1, `${file}: ${text}`);
    }
    assertEquals(faults("tests/x_test.ts", text), [], text);
  }
  for (
    const text of [
      'import { say } from "../base/say.ts"; export const x = () => say("a");',
      "export const x = () => Deno.stdout.isTerminal();",
      "export const x = ({ stdout }: Deno.CommandOutput) => stdout;",
      'export const x = { stderr: "piped", console: 1 };',
    ]
  ) assertEquals(faults("src/cli/x.ts", text), [], text);
});
