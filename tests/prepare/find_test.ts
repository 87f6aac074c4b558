/** Input files: each once by whatever name, with notices of skipped ones. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { UserError } from "../../src/base/user_error.ts";
import { findInputs } from "../../src/prepare/find.ts";
import { Desk } from "./fixture.ts";

/** A layout of a folder, and what is found there. */
interface Layout {
  readonly files: readonly string[];
  /** Symbolic links by their names. */
  readonly links?: Readonly<Record<string, string>>;
  /** Hard links by their names. */
  readonly hard?: Readonly<Record<string, string>>;
  readonly pipes?: readonly string[];
  /** Names on the command line. */
  readonly names: readonly string[];
  readonly finds: readonly string[];
  /** Parts of the notes, one of each. */
  readonly notes?: readonly string[];
}

const AGAIN = "Each file counts once; these lead to what is read already: ";

const LAYOUTS: Readonly<Record<string, Layout>> = {
  "a link to the folder itself": {
    files: ["in/a.txt", "in/x/b.txt"],
    links: { "in/latest": "." },
    names: ["in"],
    finds: ["in/a.txt", "in/x/b.txt"],
    notes: [AGAIN + "in/latest"],
  },
  "two links to the folder itself": {
    files: ["in/a.txt"],
    links: { "in/latest": ".", "in/previous": "." },
    names: ["in"],
    finds: ["in/a.txt"],
    notes: [AGAIN + "in/latest, in/previous"],
  },
  "links between folders, and a pattern": {
    files: ["in/x/a.txt", "in/y/b.txt"],
    links: { "in/x/y": "../y", "in/y/x": "../x" },
    names: ["in/**/*.txt"],
    finds: ["in/x/a.txt", "in/y/b.txt"],
    notes: [AGAIN + "in/"],
  },
  "a link to a folder, named before it": {
    files: ["in/z/a.txt"],
    links: { "in/a": "z" },
    names: ["in"],
    finds: ["in/z/a.txt"],
    notes: [AGAIN + "in/a"],
  },
  "a pattern that goes through a link": {
    files: ["in/x/a.txt"],
    links: { "in/latest": "x" },
    names: ["in/latest/*.txt"],
    finds: ["in/latest/a.txt"],
  },
  "links to files, inside and outside": {
    files: ["in/a.txt", "out/b.txt", "out/deep/c.txt"],
    links: { "in/also.txt": "a.txt", "in/b.txt": "../out/b.txt", "in/deep": "../out/deep" },
    names: ["in"],
    finds: ["in/a.txt", "in/b.txt", "in/deep/c.txt"],
    notes: [AGAIN + "in/also.txt"],
  },
  "hard links": {
    files: ["in/a.txt"],
    hard: { "in/b.txt": "in/a.txt" },
    names: ["in"],
    finds: ["in/a.txt"],
    notes: [AGAIN + "in/b.txt"],
  },
  "one file by its name, twice, by its whole name and by patterns": {
    files: ["in/a.txt", "in/b.txt"],
    names: ["in/a.txt", "in/a.txt", "in/../in/a.txt", "/in/a.txt", "in/*.txt", "in"],
    finds: ["in/a.txt", "in/b.txt"],
    notes: [AGAIN + "in/a.txt"],
  },
  "files of equal content are two files": {
    files: ["in/a.txt", "in/b.txt"],
    names: ["in"],
    finds: ["in/a.txt", "in/b.txt"],
  },
  "links that lead nowhere and in a circle": {
    files: ["in/a.txt"],
    links: { "in/b.txt": "none.txt", "in/c.txt": "d.txt", "in/d.txt": "c.txt" },
    names: ["in"],
    finds: ["in/a.txt"],
    notes: ["links that lead nowhere: in/b.txt, in/c.txt, in/d.txt"],
  },
  "a pipe in a folder": {
    files: ["in/a.txt"],
    pipes: ["in/pipe.txt"],
    names: ["in", "in/*.txt"],
    finds: ["in/a.txt"],
    notes: ["pipes, sockets and devices: in/pipe.txt", AGAIN],
  },
  "files of other kinds": {
    files: ["in/a.txt", "in/b.ndjson", "in/README.md", "in/x/data.csv", "in/x/LICENSE"],
    names: ["in"],
    finds: ["in/a.txt", "in/b.ndjson"],
    notes: ["3 files that are not .txt, .jsonl or .ndjson: .md, no suffix, .csv"],
  },
  "what is hidden": {
    files: ["in/a.txt", "in/.b.txt", "in/.git/c.txt"],
    names: ["in"],
    finds: ["in/a.txt"],
  },
};

for (const [name, layout] of Object.entries(LAYOUTS)) {
  Deno.test(`what is read once and what is said: ${name}`, async () => {
    using desk = new Desk();
    const { files, links = {}, hard = {}, pipes = [], names, finds, notes = [] } = layout;
    for (const file of files) desk.write(file, '{"text": "whale"}\n');
    for (const [link, to] of Object.entries(links)) Deno.symlinkSync(to, desk.of(link));
    for (const [link, to] of Object.entries(hard)) Deno.linkSync(desk.of(to), desk.of(link));
    for (const pipe of pipes) desk.pipe(pipe);
    const found = await findInputs(names.map((each) => desk.of(each)));
    const short = (text: string) => text.replaceAll(desk.path + "/", "").replaceAll("//", "/");
    assertEquals(found.files.map((file) => short(file.name)), [...finds]);
    const said = found.notes.map(short).filter((text) => !text.includes("first line is a JSON"));
    assertEquals(said.length, notes.length, said.join("; "));
    for (const note of notes) assert(said.some((text) => text.includes(note)), said.join("; "));
  });
}

Deno.test("a relative name and a whole one are one file", async () => {
  using desk = new Desk();
  const path = desk.write("a.txt", "whale\n");
  const relative = "./" + "../".repeat(Deno.cwd().split("/").length) + path.slice(1);
  const { files, notes } = await findInputs([relative, path]);
  assertEquals(files.length, 1);
  assertStringIncludes(notes.join(), AGAIN);
});

Deno.test("a link to nowhere, a device and a socket are refused by name", async () => {
  using desk = new Desk();
  Deno.symlinkSync("none.txt", desk.of("a.txt"));
  using _socket = Deno.listen({ transport: "unix", path: desk.of("b.txt") });
  for (
    const [path, says] of [
      [desk.of("a.txt"), "need a text file: there is none"],
      [desk.of("b.txt"), "it is a device or a socket"],
      ["/dev/null", "it is a device or a socket"],
    ] as const
  ) {
    const { exit } = await assertRejects(() => findInputs([path]), UserError, says);
    assertEquals(exit, "noInput");
  }
});

Deno.test("prepare passes on what is said of the files", async () => {
  using desk = new Desk();
  desk.write("in/a.txt", '{"text": "whale"}\n'.repeat(50));
  Deno.symlinkSync(".", desk.of("in/latest"));
  const notes: string[] = [];
  const { index } = await desk.prepare(["in"], {}, {
    show: (event) => event.type === "note" && notes.push(event.text),
  });
  assertEquals([index?.inputs.length, notes.length], [1, 2]);
  assertStringIncludes(notes[1] ?? "", "its first line is a JSON object: name it .jsonl");
});
