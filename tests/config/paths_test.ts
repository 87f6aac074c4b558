/** Paths that a run stores: where its data is found again from elsewhere, and after a move. */
import { assertEquals } from "@std/assert";
import { changeable } from "../../src/config/identity.ts";
import { keys } from "../../src/config/keys.ts";
import { anchored, besideFile, relocated, withPaths } from "../../src/config/paths.ts";
import { resolveConfig } from "../../src/config/resolve.ts";

const CONFIG = resolveConfig({ data: { path: "data/a.txt" }, out: "runs/a", init: "../old" });
const MIX = resolveConfig({ data: { mix: { "x": 1, "/y": 2 } }, out: "runs/a" });

/** Where the data of a stored config is looked for, when only `there` exist. */
function found(config: object, folder: string, there: readonly string[]): unknown {
  const exists = (path: string) => there.includes(path);
  const { data } = relocated(config, { folder, exists }) as { data: Record<string, unknown> };
  return data["path"];
}

Deno.test("a stored config has absolute paths, and all else as it was", () => {
  const { data, out, init } = anchored(CONFIG, "/home/me");
  assertEquals([data.path, out, init], ["/home/me/data/a.txt", "/home/me/runs/a", "/home/old"]);
  assertEquals(anchored(MIX, "/home/me").data.mix, { "/home/me/x": 1, "/y": 2 });
  assertEquals(withPaths(anchored(CONFIG, "/"), () => ""), withPaths(CONFIG, () => ""));
  assertEquals(anchored(resolveConfig({}), "/"), resolveConfig({}));
});

Deno.test("every key that holds a path is stored absolute, and may differ in a resume", () => {
  const named = keys().map(({ path }) => path).filter((path) =>
    /(^|\.)(path|mix|out|init)$/.test(path)
  );
  assertEquals(named.sort(), ["data.mix", "data.path", "init", "out"]);
  for (const path of named) assertEquals(changeable(path), true, path);
});

Deno.test("a run that stays finds its data where it was, wherever it is called from", () => {
  const stored = anchored(CONFIG, "/home/me");
  assertEquals(found(stored, "/home/me/runs/a", ["/home/me/data/a.txt"]), "/home/me/data/a.txt");
  assertEquals(found(stored, "/home/me/runs/a", []), "/home/me/data/a.txt");
});

Deno.test("a tree that moved or was copied brings its data along", () => {
  const stored = anchored(CONFIG, "/home/me");
  const both = ["/home/me/data/a.txt", "/new/data/a.txt"];
  assertEquals(found(stored, "/new/runs/a", both), "/new/data/a.txt");
  // The run alone moved: its data stayed.
  assertEquals(found(stored, "/new/runs/a", both.slice(0, 1)), "/home/me/data/a.txt");
  // Data that shares no folder with the run never moves with it.
  const apart = { ...stored, data: { path: "/data/a.txt" } };
  assertEquals(found(apart, "/x/y/runs/a", ["/x/data/a.txt", "/data/a.txt"]), "/data/a.txt");
});

Deno.test("a run of an older version, with relative paths, is resumed from anywhere", () => {
  assertEquals(found(CONFIG, "/home/me/runs/a", ["/home/me/data/a.txt"]), "/home/me/data/a.txt");
  // Renamed, or its data is elsewhere: the path belongs to the caller's folder, as before.
  assertEquals(found(CONFIG, "/home/me/runs/b", ["/home/me/data/a.txt"]), "data/a.txt");
  assertEquals(found(CONFIG, "/home/me/runs/a", []), "data/a.txt");
});

Deno.test("relative paths of a config file are relative to it, those of a pipe to the working folder", () => {
  const config = {
    init: "old",
    out: "runs/a",
    model: { module: "./m.ts" },
    data: { path: "../a.txt", tokenizer: "tokenizer.json", mix: { x: 1, "/y": 2 } },
  };
  const { init, out, data } = besideFile(config, "own/config.json");
  assertEquals([init, out, data.path], ["own/old", "own/runs/a", "a.txt"]);
  assertEquals([data.tokenizer, data.mix], ["own/tokenizer.json", { "own/x": 1, "/y": 2 }]);
  const { model: { module } } = besideFile(config, "/there/config.json");
  assertEquals(module, "/there/m.ts");
  for (const file of ["config.json", "/dev/fd/63"]) {
    const { module: _, ...beside } = besideFile(config, file).model;
    assertEquals({ ...besideFile(config, file), model: beside }, { ...config, model: {} }, file);
  }
  const named = { data: { tokenizer: "bpe:300", path: "-" } };
  assertEquals(besideFile(named, "own/config.json"), named);
});
