/**
 * The commands of README in a checkout whose path has what URLs, shells and lists spell otherwise, and
 * called from elsewhere: relative paths belong to the caller's folder.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { namesIn, Place, ROOT } from "../support.ts";
import { TINY } from "../sweep.ts";
import { textOf } from "../text.ts";

/** What a checkout needs to train, and to run a few tests. */
const PARTS = [
  "shoal",
  "deno.json",
  "deno.lock",
  "package.json",
  "src",
  "workers",
  "configs",
  "kernels",
  "tests/base",
  "tests/std",
  "tests/suite",
  "tests/support",
  "tests/lint",
];

/** Copies the checkout into a folder of a place; gives its path. */
function checkout(place: Place, name: string): string {
  const path = place.of(name);
  Deno.mkdirSync(`${path}/tests`, { recursive: true });
  for (const part of PARTS) {
    const { success } = new Deno.Command("cp", {
      args: ["-R", `${ROOT}${part}`, `${path}/${part}`],
    }).outputSync();
    assert(success, part);
  }
  return path;
}

/** Runs a program in a folder; gives what it printed. @throws unless it ended well. */
async function run(
  [program = "", ...args]: readonly string[],
  { cwd, tmp, INIT_CWD = "/" }: { cwd: string; tmp: string; INIT_CWD?: string },
): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args,
    cwd,
    env: { NO_COLOR: "1", TMPDIR: tmp, XDG_RUNTIME_DIR: tmp, INIT_CWD },
    stdin: "null",
  }).output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  assertEquals(code, 0, `${program} ${args.join(" ")}\n${out}\n${err}`);
  return out as string;
}

/** Keys that make a run short, on plain loops. */
const SHORT = [
  "--device=reference",
  "--steps=2",
  "--micro-batches=1",
  "--micro_batch_size=1",
  "--model.layers=1",
  "--model.width=8",
  "--model.heads=2",
  "--eval.windows=1",
  "--report.sample_length=4",
];

Deno.test("train, test and sweep run in a checkout named 'my größe #1'", async (t) => {
  using place = new Place();
  const path = checkout(place, "my größe #1");
  const at = { cwd: path, tmp: place.of("tmp") };

  await t.step("the two commands of README", async () => {
    const said = await run(["./shoal", "train", ...SHORT], at);
    assertMatch(said, /^Everything lies in runs\/gpt_char: /m);
    assert(namesIn(`${path}/runs/gpt_char`).includes("summary.json"));
    assertMatch(await run(["./shoal", "test", "tests/base"], at), /^ok \| \d+ passed/m);
  });
  await t.step("a sweep's trials", async () => {
    const file = { ...TINY, base: { ...TINY.base, data: { ...TINY.base.data, path: null } } };
    Deno.writeTextFileSync(`${path}/sweep.json`, JSON.stringify({ ...file, budgets: [64] }));
    assertMatch(await run(["./shoal", "sweep", "sweep.json"], at), /^.* done$/m);
    assertEquals(namesIn(`${path}/runs/tiny`).includes("trials.jsonl"), true);
  });
});

Deno.test("in '100% a,b?', called by a link from elsewhere, paths belong to the caller's folder", async (t) => {
  using place = new Place();
  const path = checkout(place, "100% a,b?");
  const before = namesIn(path);
  const at = { cwd: place.of("it's [mine], $HOME"), tmp: place.of("tmp") };
  Deno.mkdirSync(at.cwd);
  Deno.writeTextFileSync(`${at.cwd}/a text.txt`, textOf(1, 4000));
  const shoal = place.of("linked");
  Deno.symlinkSync(`${path}/shoal`, shoal);

  await t.step(
    "files that are read and written, and the config that comes with Shoal",
    async () => {
      await run([shoal, "prepare", "a text.txt", "--out=to,kens"], at);
      const words = ["configs/smoke.ts", "--data=to,kens", "--out=x", ...SHORT];
      assertMatch(await run([shoal, "train", ...words], at), /^Everything lies in x: /m);
      assertEquals(namesIn(at.cwd), ["a text.txt", "to,kens", "x"]);
    },
  );
  await t.step("a resume from another folder reads the same data", async () => {
    const words = [`--resume=${at.cwd}/x`, "--steps=3"];
    await run([shoal, "train", ...words], { ...at, cwd: "/" });
    const task = [Deno.execPath(), "task", "-q", "--cwd", path, "train"];
    await run([...task, `--resume=x`, "--steps=4"], { ...at, INIT_CWD: at.cwd });
  });
  await t.step("a tree that has moved brings its data along", async () => {
    const cwd = place.of("moved");
    Deno.renameSync(at.cwd, cwd);
    const said = await run([shoal, "train", "--resume=x", "--steps=5"], { ...at, cwd });
    assertMatch(said, /^Everything lies in x: /m);
    const { data, out } = JSON.parse(Deno.readTextFileSync(`${cwd}/x/config.json`));
    assertEquals([data.path, out], [`${cwd}/to,kens`, `${cwd}/x`]);
    assertMatch(
      await run([shoal, "eval", `${cwd}/x`, "--device=reference"], { ...at, cwd: "/" }),
      /to,kens/,
    );
  });
  assertEquals(namesIn(path), before);
});
