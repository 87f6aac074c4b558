/** The package as npm packs it: installed into an empty folder, its command and its library run. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { dirname } from "node:path";
import packageJson from "../../package.json" with { type: "json" };
import { COMMANDS } from "../../src/cli/commands.ts";
import { namesIn, Place, ROOT } from "./support.ts";

const HAS_NPM = ["npm", "npx"].every((program) => {
  try {
    return new Deno.Command(program, { args: ["--version"], stdout: "null" }).outputSync().success;
  } catch {
    return false;
  }
});

/** Runs a program; gives what it printed. @throws unless it ended well. */
async function run(
  cwd: string,
  tmp: string,
  [program = "", ...args]: readonly string[],
): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args,
    cwd,
    env: {
      NO_COLOR: "1",
      TMPDIR: tmp,
      XDG_RUNTIME_DIR: tmp,
      npm_config_update_notifier: "false",
      // What packs the library.
      PATH: `${dirname(Deno.execPath())}:${Deno.env.get("PATH")}`,
    },
    stdin: "null",
  }).output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  assertEquals(code, 0, `${program} ${args.join(" ")}\n${out}\n${err}`);
  return out as string;
}

/** A run of a second on plain loops. */
const TINY = {
  device: "reference",
  steps: 2,
  workers: 2,
  micro_batches: 2,
  micro_batch_size: 1,
  model: { layers: 1, width: 8, heads: 2 },
  eval: { windows: 1 },
  report: { sample_length: 4 },
};

const LIBRARY = `import { apply, compile, matmulOp, newTrace, OPS, openReference } from "shoal";
const trace = newTrace();
const x = trace.source({ shape: [2, 3], dtype: "f32" }, "batch", "x");
const w = trace.source({ shape: [3, 1], dtype: "f32" }, "param", "w");
const y = apply(matmulOp, [x, w]);
const plan = compile({ calls: trace.calls, constants: trace.constants, results: { y } });
const device = openReference();
const memory = device.memory();
const program = await device.load(plan, memory);
memory.write("x", Float32Array.of(1, 2, 3, 4, 5, 6));
memory.write("w", Float32Array.of(1, 0, -1));
program.run();
const read = await memory.read([{ slot: "y", offset: 0, length: 2 }]);
console.log(JSON.stringify([Array.from(read), OPS.length > 10]));
`;

const TRAINS = `import { openModel, train, type TrainConfig } from "shoal";
const config: TrainConfig = {
  ...${JSON.stringify(TINY)},
  data: { path: "my.txt" },
};
const { out, finished, workers } = await train(config, { out: "runs/library" });
using model = await openModel(out, { device: "reference" });
const { tokens } = await model.generate("the", { tokens: 3 });
console.log(JSON.stringify([finished, workers, tokens.length]));
`;

const MODEL = `import { headModel, layers, outputHead } from "shoal";
import * as z from "zod";
const schema = z.strictObject({ kind: z.literal("lookup"), width: z.int().default(4) });
export default headModel({
  kind: "lookup",
  schema,
  head(scope, { tokens, vocabulary, classes, last }, { width }) {
    const x = layers.embed(scope.in("tokens"), tokens, { vocabulary, width });
    return outputHead(scope.in("head"), last ? layers.readout(x, "last") : x, { classes });
  },
  generates: () => ({ memory: "window" }),
});
`;

Deno.test({
  name: "the package, installed into an empty folder, brings the command and the library",
  ignore: !HAS_NPM,
  async fn(t) {
    using place = new Place();
    const [cwd, tmp] = [place.of("my größe #1"), place.of("tmp")];
    Deno.mkdirSync(cwd);
    Deno.mkdirSync(place.of("packed"));
    const call = (...words: string[]) => run(cwd, tmp, words);
    await run(ROOT, tmp, ["npm", "pack", "--silent", "--pack-destination", place.of("packed")]);
    const [tarball = ""] = namesIn(place.of("packed"));
    assertEquals(tarball, `shoal-${packageJson.version}.tgz`);
    const install = ["npm", "install", "--silent", "--no-audit", "--no-fund"];
    await call(...install, `${place.of("packed")}/${tarball}`);

    await t.step("it holds what runs, and no tests", () => {
      const names = namesIn(`${cwd}/node_modules/shoal`);
      for (const name of ["LICENSE", "README.md", "deno.lock", "dist", "shoal", "workers"]) {
        assert(names.includes(name), name);
      }
      for (const name of ["tests", "bench", "examples"]) assert(!names.includes(name), name);
    });
    await t.step("npx shoal", async () => {
      assertEquals(await call("npx", "shoal", "--version"), `shoal ${packageJson.version}\n`);
      const help = await call("npx", "shoal");
      assertMatch(help, /^Usage: npx shoal COMMAND/);
      const listed = Array.from(help.matchAll(/^ {2}([\w:]+) /gm), ([, name]) => name);
      const users = COMMANDS.filter(({ section }) => section !== "develop" && section !== "learn");
      assertEquals(listed, users.map(({ name }) => name));
      assertMatch(await call("npx", "shoal", "eval", "--help"), /^Usage: npx shoal eval /);
    });
    await t.step("npx shoal train my.txt, with a config of the caller's folder", async () => {
      place.write("my größe #1/my.txt", "the whale and the sea, again and again. ".repeat(300));
      place.write("my größe #1/base.ts", `export const base = ${JSON.stringify(TINY)};\n`);
      place.write(
        "my größe #1/tiny.ts",
        'import { base } from "./base.ts";\nexport default { ...base, name: "tiny" };\n',
      );
      const said = await call("npx", "shoal", "train", "tiny.ts", "my.txt");
      assertMatch(said, /^Everything lies in runs\/tiny: /m);
      assertMatch(
        await call("npx", "shoal", "train", "--resume=runs/tiny", "--steps=3"),
        /^done: /m,
      );
      assertMatch(await call("npx", "shoal", "eval", "runs/tiny", "--device=reference"), /my\.txt/);
      const [first = ""] = Deno.readTextFileSync(`${cwd}/runs/tiny/journal.jsonl`).split("\n");
      assertEquals(JSON.parse(first)["shoal"], packageJson.version);
      const manifest = `${cwd}/runs/tiny/checkpoints/step-00000002/manifest.json`;
      assertEquals(JSON.parse(Deno.readTextFileSync(manifest))["shoal"], packageJson.version);
    });
    await t.step("import from shoal, under Deno", async () => {
      place.write("my größe #1/use.ts", LIBRARY);
      const said = await call(Deno.execPath(), "run", "--quiet", "--no-prompt", "use.ts");
      assertEquals(said, "[[-2,-2],true]\n");
      await call(Deno.execPath(), "check", "--quiet", "use.ts");
    });
    await t.step("train from shoal, under Deno", async () => {
      place.write("my größe #1/train.ts", TRAINS);
      const said = await call(Deno.execPath(), "run", "--quiet", "--no-prompt", "-A", "train.ts");
      assertEquals(said, "[true,2,3]\n");
      await call(Deno.execPath(), "check", "--quiet", "train.ts");
    });
    await t.step("a model of one's own, from the command and from a program", async () => {
      place.write("my größe #1/model.ts", MODEL);
      const own = { ...TINY, name: "own", model: { module: "./model.ts" } };
      place.write("my größe #1/own.json", JSON.stringify(own));
      const said = await call("npx", "shoal", "train", "own.json", "my.txt");
      assertMatch(said, /^ *model +lookup, width 4: /m);
      const hashOf = (run: string) => Object(place.json(`my größe #1/${run}/summary.json`));
      place.write(
        "my größe #1/own.ts",
        TRAINS.replace("data: {", 'model: { module: "./model.ts" },\n  data: {')
          .replace("runs/library", "runs/own_library"),
      );
      const words = ["run", "--quiet", "--no-prompt", "-A", "own.ts"];
      assertEquals(await call(Deno.execPath(), ...words), "[true,2,3]\n");
      assertEquals(hashOf("runs/own_library").state_hash, hashOf("runs/own").state_hash);
    });
    place.assertQuiet();
  },
});
