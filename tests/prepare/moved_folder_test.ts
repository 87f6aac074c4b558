/** An output folder that is moved while tokens are prepared, and one that a stranger has filled. */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { UserError } from "../../src/base/user_error.ts";
import { contentsOf } from "../support/contents.ts";
import { makePipe } from "../support/pipe.ts";
import { contents, Desk, someText } from "./fixture.ts";

const SMALL = { shardTokens: 5000 };

Deno.test("prepare: a folder that is moved is written to no more, and goes on where it lies", async () => {
  using desk = new Desk();
  desk.write("a.txt", someText(1500));
  let effects = 0;
  await desk.prepare(["a.txt"], { out: "whole", ...SMALL }, { at: () => effects++ });
  assert(effects > 8, `${effects}`);
  for (let n = 0; n < effects; n++) {
    let left = n;
    let before = {};
    const at = () => {
      if (left-- !== 0) return;
      Deno.renameSync(desk.of("out"), desk.of("moved"));
      Deno.mkdirSync(desk.of("out"));
      for (const name of ["train-00000.tokens", ".train.tmp", "progress.json", ".pipe-0.tmp"]) {
        desk.write(`out/${name}`, "another's");
      }
      before = contentsOf(desk.of("out"));
    };
    const prepare = () => desk.prepare(["a.txt"], { out: "out", ...SMALL }, { at });
    const error = await assertRejects(prepare, UserError, "another folder lies there now");
    assertEquals([error.exit, contentsOf(desk.of("out"))], ["locked", before], `effect ${n}`);
    await desk.prepare(["a.txt"], { out: "moved", ...SMALL });
    assertEquals(contents(desk.of("moved")), contents(desk.of("whole")), `effect ${n}`);
    for (const name of ["out", "moved"]) Deno.removeSync(desk.of(name), { recursive: true });
  }
});

Deno.test("prepare: what it writes is never reached through a link, and no pipe is waited for", async () => {
  using desk = new Desk();
  desk.write("a.txt", someText(300));
  const own = ["train-00000.tokens", "progress.json", "index.json", "tokenizer.json"];
  desk.write("thesis.txt", "years of work");
  for (const name of [...own, ".train.tmp", ".validation.tmp", ...own.map((n) => `.${n}.tmp`)]) {
    Deno.mkdirSync(desk.of("out"));
    Deno.symlinkSync(desk.of("thesis.txt"), desk.of(`out/${name}`));
    try {
      await desk.prepare(["a.txt"]);
    } catch (error) {
      assert(error instanceof UserError, `${name}: ${error}`);
    }
    assertEquals(Deno.readTextFileSync(desk.of("thesis.txt")), "years of work", name);
    Deno.removeSync(desk.of("out"), { recursive: true });
  }
  for (const name of [".lock", "index.json", "progress.json"]) {
    Deno.mkdirSync(desk.of("out"));
    await using _pipe = makePipe(desk.of(`out/${name}`));
    const error = await assertRejects(() => desk.prepare(["a.txt"]), UserError);
    assertMatch(error.message, /^Cannot [^\n]+ a named pipe(; remove it)?$/, name);
    Deno.removeSync(desk.of("out"), { recursive: true });
  }
});
