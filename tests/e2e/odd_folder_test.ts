/**
 * The commands of README in a checkout whose path has what URLs, shells and lists spell otherwise, and
 * called from elsewhere: relative paths belong to the caller's folder.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { namesIn, Place, ROOT } from "./support.ts";
import { TINY } from "./sweep.ts";
import { textOf } from "./text.ts";

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
  { cwd, tmp }: { cwd: string; tmp: string },
): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args,
    cwd,
    env: { NO_COLOR: "1", TMPDIR: tmp, XDG_RUNTIME_DIR: tmp, INIT_CWD: "/" },
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
  "--windows=1",
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

Deno.test("prepare and train run in '100% a,b?', by a link to ./shoal, from a caller's folder", async () => {
  using place = new Place();
  const path = checkout(place, "100% a,b?");
  const before = namesIn(path);
  Deno.mkdirSync(place.of("it's [mine], $HOME"));
  const at = { cwd: place.of("it's [mine], $HOME"), tmp: place.of("tmp") };
  Deno.writeTextFileSync(`${at.cwd}/a text.txt`, textOf(1, 4000));

  await run([`${path}/shoal`, "prepare", "a text.txt", "--out=to,kens"], at);
  const said = await run(
    [`${path}/shoal`, "train", "configs/smoke.ts", "--data=to,kens", "--out=x", ...SHORT],
    at,
  );
  assertMatch(said, /^Everything lies in x: /m);
  assertEquals(namesIn(at.cwd), ["a text.txt", "to,kens", "x"]);
  assertEquals(namesIn(path), before);
});
