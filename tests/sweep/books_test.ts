/** Sweep folders with foreign files. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { UserError } from "../../src/base/user_error.ts";
import { openBooks } from "../../src/cli/sweep/books.ts";
import { readSweep } from "../../src/sweep/read.ts";
import { TempFolder } from "../checkpoint/fixture.ts";
import { contentsOf } from "../support/contents.ts";
import { makePipe } from "../support/pipe.ts";

const sweep = readSweep({ name: "s", base: {}, axes: {} });
const open = (out: string) => openBooks(out, { sweep, trials: [] });

Deno.test("a sweep writes through no link in its folder, and waits for no pipe", async () => {
  const places = ["sweep.json", "sweep.jsonl", "trials.jsonl", "trials.csv", "trials", ".lock"];
  for (const name of places) {
    for (const kind of ["a symbolic link", "a named pipe"]) {
      using temp = new TempFolder();
      await using stack = new AsyncDisposableStack();
      const [out, mine] = [`${temp.path}/s`, `${temp.path}/thesis.txt`];
      Deno.mkdirSync(out);
      Deno.writeTextFileSync(mine, "years of work");
      if (kind === "a symbolic link") Deno.symlinkSync(mine, `${out}/${name}`);
      else stack.use(makePipe(`${out}/${name}`));
      const before = contentsOf(temp.path);
      const error = await assertRejects(() => open(out), UserError);
      assert(error.message.includes(name) && error.message.includes(kind), error.message);
      assertEquals([error.exit, contentsOf(temp.path)], ["config", before]);
    }
  }
});

Deno.test("a sweep whose folder was moved writes no rows and no journal", async () => {
  using temp = new TempFolder();
  const out = `${temp.path}/s`;
  using books = await open(out);
  Deno.renameSync(out, `${temp.path}/moved`);
  {
    using other = await open(out);
    other.write([]);
    const before = contentsOf(temp.path);
    books.journal.write({ kind: "start" });
    const error = await assertRejects(async () => await books.write([]), UserError);
    assertEquals([error.exit, books.lost.reason], ["locked", error]);
    assertEquals(contentsOf(temp.path), before);
  }
});
