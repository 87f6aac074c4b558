/** The programs of docs/library.md and docs/extend.md, type-checked and run as they stand. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { layers } from "shoal";
import { namesIn, ONE_ADAPTER, Place, ROOT } from "../e2e/support.ts";

const textOf = (path: string) => Deno.readTextFileSync(ROOT + path);

/** The TypeScript blocks of a page; those that begin with a comment `// name.ts` have a name. */
function blocksOf(page: string): { readonly name: string | undefined; readonly code: string }[] {
  const blocks = textOf(page).matchAll(/^```ts\n([^]*?)^```$/gm);
  return Array.from(blocks, ([, code = ""]) => ({
    name: /^\/\/ (\w+\.ts)\n/.exec(code)?.[1],
    code,
  }));
}

/** Fewer steps: what the programs compute is tested elsewhere. */
const quick = (code: string) =>
  code.replaceAll(/\bsteps: 200\b/g, "steps: 3, micro_batches: 2, micro_batch_size: 1, workers: 2");

async function deno(place: Place, ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: place.path,
    env: {
      NO_COLOR: "1",
      TMPDIR: place.of("tmp"),
      XDG_RUNTIME_DIR: place.of("tmp"),
      ...ONE_ADAPTER,
    },
    stdin: "null",
  }).output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  assertEquals(code, 0, `${args.join(" ")}\n${out}\n${err}`);
  return out as string;
}

/** A folder with a text and the programs of a page. */
function placeOf(page: string): Place {
  const place = new Place();
  place.write("my.txt", "The whale and the sea, again and again. ".repeat(60));
  for (const { name, code } of blocksOf(page)) {
    if (name !== undefined) place.write(name, quick(code));
  }
  return place;
}

const CONFIG = `--config=${ROOT}deno.json`;

Deno.test("docs/library.md begins with the example of at most 40 lines, and its programs run", async (t) => {
  const [first] = blocksOf("docs/library.md");
  const example = textOf("examples/own_model.ts");
  assertEquals(first?.code, example);
  assert(example.trimEnd().split("\n").length <= 40);
  const [, command = ""] = /^(deno run .* train\.ts)$/m.exec(textOf("docs/library.md")) ?? [];
  const permissions = command.split(" ").filter((word) => word.startsWith("--allow-"));
  assertEquals(permissions.length, 6);
  using place = placeOf("docs/library.md");
  place.write("own_model.ts", quick(example));
  const names = ["own_model.ts", "train.ts", "use.ts", "tensors.ts"];
  await deno(place, "check", "--quiet", CONFIG, ...names);
  await t.step("own_model.ts", async () => {
    const said = await deno(place, "run", "-q", "--no-prompt", "-A", CONFIG, "own_model.ts");
    assertMatch(said, /^3 \d+\.\d+\n[0-9a-f]{64} /);
  });
  await t.step("train.ts, with the permissions that the page names", async () => {
    const said = await deno(place, "run", "-q", "--no-prompt", ...permissions, CONFIG, "train.ts");
    assertMatch(said, /runs\/from_a_program true 3 \d\S* \d\S* [0-9a-f]{64}$/m);
  });
  await t.step("use.ts and tensors.ts", async () => {
    const options = ["run", "-q", "--no-prompt", ...permissions, CONFIG];
    assertMatch(await deno(place, ...options, "use.ts"), /^true \d+\.\d+ \d+\.\d+$/m);
    assertMatch(await deno(place, ...options, "tensors.ts"), /^3 [0-9a-f]{64}$/m);
  });
  assertEquals(namesIn(place.of("tmp")), []);
});

Deno.test("the definitions of docs/extend.md are used by the program at its end", async () => {
  using place = placeOf("docs/extend.md");
  const names = blocksOf("docs/extend.md").map(({ name }) => name ?? "none");
  const all = ["squared_relu", "primer", "counting", "words", "signed", "together"];
  assertEquals(names, all.map((name) => `${name}.ts`));
  await deno(place, "check", "--quiet", CONFIG, ...names);
  const said = await deno(place, "run", "-q", "--no-prompt", "-A", CONFIG, "together.ts");
  assertMatch(said, /^[0-9a-f]{64} \d+\.\d+\n$/);
  const [run = ""] = namesIn(place.of("runs"));
  const [line = ""] = Deno.readTextFileSync(place.of(`runs/${run}/metrics.jsonl`)).split("\n")
    .filter((text) => text.includes('"step"'));
  assertMatch(line, /activity/);
  assertMatch(line, /certainty/);
});

Deno.test("docs/extend.md lists every layer, and what batches and terms may have", () => {
  const page = textOf("docs/extend.md");
  const table = page.slice(page.indexOf("### Layers"), page.indexOf("## A source of batches"));
  const missing = Object.keys(layers).filter((name) => !new RegExp(`\`${name}\\b`).test(table));
  assertEquals(missing, []);
  const words = ["RowSum", '"micro_batches"', "IGNORE", "countedIn", '"token_class"'];
  assertEquals(words.filter((word) => !page.includes(word)), []);
});
