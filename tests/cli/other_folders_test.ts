/** Commands do not write into a folder that another command filled, and leave it as it was. */
import { assertEquals, assertMatch } from "@std/assert";
import { fileURLToPath } from "node:url";
import { endingOf } from "../../src/cli/command.ts";
import { exportCommand } from "../../src/cli/export/export.ts";
import { importCommand } from "../../src/cli/import/import.ts";
import { prepareCommand } from "../../src/cli/prepare/prepare.ts";
import { openBooks } from "../../src/cli/sweep/books.ts";
import { sweepCommand } from "../../src/cli/sweep/sweep.ts";
import { trainCommand } from "../../src/cli/train/train.ts";
import { readSweep } from "../../src/sweep/read.ts";
import { heldBy, requireOwn } from "../../src/artifacts/folder_owner.ts";
import { names, TempFolder } from "../checkpoint/fixture.ts";
import { textOf } from "../e2e/text.ts";
import { quietly } from "../support/quietly.ts";

const MODEL = fileURLToPath(new URL("../golden/hf_gpt2_tiny", import.meta.url));

type Kind = "run" | "sweep" | "tokens" | "exported";

/** What commands leave in a folder. */
const KINDS: Readonly<Record<Kind, readonly string[]>> = {
  run: ["checkpoints/step-00000002/manifest.json", "metrics.jsonl", "config.json"],
  sweep: ["sweep.json", "sweep.jsonl", "trials/a/metrics.jsonl"],
  tokens: ["index.json", "train-00000.tokens", "tokenizer.shoal.json"],
  exported: ["config.json", "model.safetensors"],
};

const OTHER = /^error: Cannot (start in|resume|prepare into|write to) \S+: need .+: it holds /;
const STANDING = /^error: Cannot start in \S+: it holds a run already/;

/** Commands with their own kind of folder, which they open for another reason. */
const COMMANDS: readonly [
  string,
  (args: readonly string[]) => Promise<unknown>,
  (desk: Desk) => string[],
  Kind?,
][] = [
  ["train --out", trainCommand, (desk) => [desk.config, `--out=${desk.out}`]],
  ["train --resume", trainCommand, (desk) => [desk.config, `--resume=${desk.out}`], "run"],
  ["train --restart", trainCommand, (desk) => [`--restart=${desk.out}`], "run"],
  ["sweep", sweepCommand, (desk) => [desk.sweep, `--out=${desk.out}`], "sweep"],
  ["prepare", prepareCommand, (desk) => [desk.text, `--out=${desk.out}`], "tokens"],
  ["export", exportCommand, (desk) => [MODEL, `--out=${desk.out}`]],
  ["import", importCommand, (desk) => [MODEL, `--out=${desk.out}`]],
];

class Desk extends TempFolder {
  readonly out = `${this.path}/out`;
  readonly text = `${this.path}/text.txt`;
  readonly config = `${this.path}/tiny.json`;
  readonly sweep = `${this.path}/sweep.json`;

  constructor(files: readonly string[]) {
    super();
    const model = { layers: 1, width: 8, heads: 2 };
    const data = { path: this.text, seq_len: 8 };
    const base = { device: "reference", workers: 1, steps: 1, model, data };
    Deno.writeTextFileSync(this.text, textOf(1, 4000));
    Deno.writeTextFileSync(this.config, JSON.stringify(base));
    Deno.writeTextFileSync(this.sweep, JSON.stringify({ name: "s", base, axes: {} }));
    for (const name of files) {
      const path = `${this.out}/${name}`;
      Deno.mkdirSync(path.slice(0, path.lastIndexOf("/")), { recursive: true });
      const text = name === "index.json" ? '{ "format": "shoal-tokens-1" }' : "{}";
      Deno.writeTextFileSync(path, text);
    }
  }
}

for (const [what, command, args, own] of COMMANDS) {
  Deno.test({
    name: `${what} refuses the folder of another command and leaves it alone`,
    async fn() {
      for (const [kind, files] of Object.entries(KINDS)) {
        if (kind === own) continue;
        using desk = new Desk(files);
        const before = names(desk.out);
        const { exit, says } = await quietly(() =>
          endingOf(async () => void await command(args(desk)))
        );
        assertMatch(String(says), what === "train --out" && kind === "run" ? STANDING : OTHER);
        assertEquals([exit, String(says).includes("\n")], ["config", false], `${kind}: ${says}`);
        assertEquals(names(desk.out).filter((name) => name !== ".lock"), before, kind);
      }
    },
    sanitizeOps: false,
    sanitizeResources: false,
  });
}

Deno.test("a sweep starts beside files of the user, and goes on in its own folder", async () => {
  using desk = new Desk([".DS_Store", "notes.txt", "config.json", "index.html", "data.tokens"]);
  const asked = { sweep: readSweep({ name: "s", axes: {} }), trials: [] };
  for (let i = 0; i < 2; i++) (await openBooks(desk.out, asked))[Symbol.dispose]();
});

Deno.test("a run starts beside files of the user", () => {
  using desk = new Desk([".DS_Store", "notes.txt", "index.html", "data.tokens"]);
  requireOwn(desk.out, { own: "a run", doing: "Cannot start in" });
  requireOwn(`${desk.path}/new`, { own: "a run", doing: "Cannot start in" });
});

Deno.test("names tell what a folder holds", () => {
  assertEquals(heldBy([".DS_Store", "notes.txt", "config.json", "index.json", "trials"]), []);
  assertEquals(heldBy(KINDS.sweep), ["a sweep"]);
  assertEquals(heldBy(["metrics.jsonl", "sweep.json"]), ["a sweep", "a run"]);
});
