/** Prepared folders with foreign files, and with links in place of their own files. */
import { assertEquals } from "@std/assert";
import { openPrepared } from "../../src/data/prepared/open.ts";
import { verifyPrepared } from "../../src/data/prepared/verify.ts";
import { Desk, someText } from "./fixture.ts";

const STRANGERS = [".DS_Store", "._index.json", ".nfs0001", "desktop.ini", "index.json~"];

Deno.test("a prepared folder is read through links, whatever lies beside its files", async () => {
  using desk = new Desk();
  desk.write("a.txt", someText(200));
  await desk.prepare(["a.txt"]);
  const { hash } = openPrepared(desk.of("out"));
  const tokens = desk.tokens("train");
  for (const name of STRANGERS) desk.write(`out/${name}`, "x");
  Deno.mkdirSync(desk.of("out/old/more"), { recursive: true });
  Deno.mkdirSync(desk.of("disk"));
  const own = [...Deno.readDirSync(desk.of("out"))].map(({ name }) => name)
    .filter((name) => /^(train|validation|index.json$|tokenizer)/.test(name));
  assertEquals(own.length, 4);
  for (const name of own) {
    Deno.renameSync(desk.of(`out/${name}`), desk.of(`disk/${name}`));
    Deno.symlinkSync(desk.of(`disk/${name}`), desk.of(`out/${name}`));
  }
  Deno.symlinkSync(desk.of("out"), desk.of("alias"));
  for (const folder of ["out", "alias"]) {
    assertEquals(openPrepared(desk.of(folder)).hash, hash);
    verifyPrepared(desk.of(folder));
    assertEquals(desk.tokens("train", folder), tokens);
    const { ended } = await desk.prepare(["a.txt"], { out: folder });
    assertEquals(ended, "nothing");
  }
});

Deno.test("a folder with hidden files alone is free to prepare into", async () => {
  using desk = new Desk();
  desk.write("a.txt", someText(50));
  desk.write("out/.DS_Store", "x");
  const { ended } = await desk.prepare(["a.txt"]);
  assertEquals([ended, Deno.readTextFileSync(desk.of("out/.DS_Store"))], ["done", "x"]);
});
