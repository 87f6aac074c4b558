/** The bundle for machines without network: what it is asked for, and what it runs there. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { fileURLToPath } from "node:url";
import { BENCHES, EXTRAS } from "../bench/args.ts";
import { isIdle, parseBundle, ROOTS } from "../bench/bundle/parts.ts";
import { UserError } from "../src/base/user_error.ts";

const ROOT = new URL("../", import.meta.url);
const script = Deno.readTextFileSync(new URL("bench/bundle/run.sh", ROOT));

Deno.test("a bundle's command line says where it goes, and whether peers come along", () => {
  assertEquals(parseBundle([]), { out: "shoal-bundle.tar.xz", peers: true });
  assertEquals(parseBundle(["--out=a.tar.xz", "--no-peers"]), { out: "a.tar.xz", peers: false });
  assertEquals(parseBundle(["--help"]), "help");
  for (const words of [["b"], ["--out="], ["--out"], ["--peers"]]) {
    assertThrows(() => parseBundle(words), UserError, words[0]?.split("=")[0]);
  }
});

Deno.test("what a bundle runs is there: modules, tasks, benches, tests", () => {
  for (const path of ROOTS) assert(Deno.statSync(new URL(path, ROOT)).isFile, path);
  const { tasks } = JSON.parse(Deno.readTextFileSync(new URL("deno.json", ROOT)));
  for (const [, task] of script.matchAll(/deno task --quiet (\S+)/g)) {
    assert(task !== undefined && task in tasks, task);
  }
  const [, steps = ""] = /STEPS:-"([^"]*)"/.exec(script) ?? [];
  const known = ["doctor", "tests", "peers", ...BENCHES, ...EXTRAS];
  for (const step of steps.split(" ")) assert(known.includes(step), step);
  for (const [path] of script.matchAll(/tests\/\S+/g)) {
    assert(Deno.statSync(new URL(path, ROOT)), path);
  }
});

Deno.test("the shell can read what a bundle runs", async () => {
  const path = fileURLToPath(new URL("bench/bundle/run.sh", ROOT));
  const { code, stderr } = await new Deno.Command("sh", { args: ["-n", path] }).output();
  assertEquals([code, new TextDecoder().decode(stderr)], [0, ""]);
});

Deno.test("what only debuggers and browsers read of packages stays behind", () => {
  for (const name of ["tf.js.map", "tf.min.js"]) assert(isIdle(name), name);
  for (const name of ["tf.js", "tf.node.js", "map.js", "index.d.ts"]) assert(!isIdle(name), name);
});
