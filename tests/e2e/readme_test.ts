/** README's "Use your own text" and the way back on docs/models.md, command by command. */
import { assert, assertEquals } from "@std/assert";
import { runCommand } from "./command.ts";
import { namesIn, Place, ROOT } from "./support.ts";
import { textOf } from "./text.ts";

/** What keeps a command short here; what it says stays as it stands. */
const SHORT: Readonly<Record<string, readonly string[]>> = {
  train: [
    "--steps=3",
    "--model.layers=1",
    "--micro_batch_size=1",
    "--eval.windows=2",
    "--report.sample_length=5",
  ],
  tune: ["--steps=2", "--micro_batch_size=1", "--eval.windows=2", "--report.sample_length=5"],
};

/** The commands of a section of a document, each as its words; comments go. */
function commandsOf(path: string, section: string): string[][] {
  const text = Deno.readTextFileSync(ROOT + path);
  const [, body = ""] = text.split(`\n## ${section}\n`);
  const [own = ""] = body.split("\n## ");
  const blocks = own.matchAll(/```sh\n([^`]*)```/g);
  return Array.from(blocks, ([, block = ""]) => block.trimEnd().split("\n")).flat()
    .map((line) => line.replace(/ +#.*$/, ""))
    .map((line) =>
      Array.from(
        line.matchAll(/(?:[^\s"']|"[^"]*"|'[^']*')+/g),
        ([word]) => word.replace(/"([^"]*)"|'([^']*)'/g, "$1$2"),
      )
    );
}

Deno.test("README: the commands of 'Use your own text' take a text to an export and back", async (t) => {
  using place = new Place();
  place.write("my.txt", textOf(1, 30_000));
  const commands = [
    ...commandsOf("README.md", "Use your own text"),
    ...commandsOf("docs/models.md", "With Hugging Face and PyTorch"),
  ];
  const names = ["prepare", "train", "eval", "generate", "export", "import", "train"];
  assertEquals(commands.map(([, name]) => name), names);
  for (const [shoal, name = "", ...args] of commands) {
    assertEquals(shoal, "./shoal");
    const isTuned = args.some((arg) => arg.startsWith("--init"));
    const short = name === "train" ? SHORT[isTuned ? "tune" : "train"] ?? [] : [];
    await t.step([name, ...args].join(" "), async () => {
      const { code, stderr } = await runCommand(name, [...args, ...short], { cwd: place.path });
      assertEquals([code, stderr], [0, ""]);
    });
  }
  const exported = namesIn(place.of("export/mine"));
  for (const file of ["config.json", "model.safetensors", "tokenizer.json"]) {
    assert(exported.includes(file), file);
  }
});
