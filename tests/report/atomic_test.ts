/** Replacing and reading files in a folder that another user may have prepared. */
import { assertEquals, assertThrows } from "@std/assert";
import { UserError } from "../../src/base/user_error.ts";
import { readIfAny, recreate, unshare, writeTextAtomic } from "../../src/report/atomic.ts";
import { names, TempFolder } from "../checkpoint/fixture.ts";
import { contentsOf } from "../support/contents.ts";
import { makePipe } from "../support/pipe.ts";

Deno.test("a file is replaced, never the target of a link at or next to its path", () => {
  for (const victim of ["thesis.txt", "nowhere"]) {
    for (const link of ["link", "hard link"]) {
      if (victim === "nowhere" && link === "hard link") continue;
      for (const name of ["record", ".record.tmp"]) {
        using temp = new TempFolder();
        Deno.mkdirSync(`${temp.path}/mine`);
        const mine = `${temp.path}/mine/thesis.txt`;
        Deno.writeTextFileSync(mine, "years of work");
        const target = `${temp.path}/mine/${victim}`;
        const path = `${temp.path}/record`;
        if (link === "link") Deno.symlinkSync(target, `${temp.path}/${name}`);
        else Deno.linkSync(target, `${temp.path}/${name}`);
        const before = contentsOf(`${temp.path}/mine`);
        writeTextAtomic(path, "new");
        assertEquals(Deno.readTextFileSync(path), "new");
        assertEquals(Deno.lstatSync(path).isFile, true);
        assertEquals(contentsOf(`${temp.path}/mine`), before, `${link} ${name} to ${victim}`);
        assertEquals(names(temp.path), ["mine", "record"]);
      }
    }
  }
});

Deno.test("recreate() and unshare() write to new files", () => {
  using temp = new TempFolder();
  const [path, other] = [`${temp.path}/a`, `${temp.path}/b`];
  Deno.writeTextFileSync(other, "kept");
  Deno.linkSync(other, path);
  unshare(path);
  unshare(path);
  unshare(`${temp.path}/nothing`);
  Deno.writeTextFileSync(path, " and more", { append: true });
  assertEquals([path, other].map((one) => Deno.readTextFileSync(one)), ["kept and more", "kept"]);
  Deno.removeSync(path);
  Deno.symlinkSync(other, path);
  using file = recreate(path);
  file.writeSync(new TextEncoder().encode("new"));
  assertEquals([path, other].map((one) => Deno.readTextFileSync(one)), ["new", "kept"]);
  assertEquals(names(temp.path), ["a", "b"]);
});

Deno.test("readIfAny() does not block on a named pipe, and follows links", async () => {
  using temp = new TempFolder();
  const path = `${temp.path}/pipe`;
  assertEquals(readIfAny(path), "");
  await using _pipe = makePipe(path);
  const error = assertThrows(() => readIfAny(path), UserError);
  assertEquals(error.message, `Cannot read ${path}: need a file: it is a named pipe`);
  Deno.writeTextFileSync(`${temp.path}/file`, "text");
  Deno.symlinkSync("file", `${temp.path}/link`);
  assertEquals(readIfAny(`${temp.path}/link`), "text");
});
