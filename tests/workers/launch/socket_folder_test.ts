/** The folder of sockets lies where sockets can be bound and permissions can name it. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { dirname } from "node:path";
import {
  makeReachable,
  makeSocketFolder,
  reachable,
  serves,
} from "../../../workers/launch/socket_folder.ts";

/** Where the folder lies when TMPDIR is this. */
function parentWith(tmp: string): string {
  const before = Deno.env.get("TMPDIR");
  Deno.env.set("TMPDIR", tmp);
  try {
    const path = makeSocketFolder();
    assert(Deno.statSync(path).isDirectory && serves(path), path);
    Deno.removeSync(path);
    return dirname(path);
  } finally {
    if (before === undefined) Deno.env.delete("TMPDIR");
    else Deno.env.set("TMPDIR", before);
  }
}

Deno.test("sockets lie in TMPDIR, or in /tmp where TMPDIR does not serve", () => {
  const dir = Deno.makeTempDirSync();
  try {
    const make = (name: string) => {
      Deno.mkdirSync(`${dir}/${name}`, { recursive: true });
      return `${dir}/${name}`;
    };
    for (const name of ["plain", "my größe #1", "100%25?:'\"$x", "new\nline"]) {
      assertEquals(parentWith(make(name)), `${dir}/${name}`);
    }
    Deno.writeTextFileSync(`${dir}/file`, "");
    const unfit = {
      missing: `${dir}/missing`,
      "a file": `${dir}/file`,
      "too long": make("long/".repeat(20)),
      "with a comma": make("a,b"),
      "shared memory": "/dev/shm",
      "of processes": "/proc/self",
    };
    for (const [what, path] of Object.entries(unfit)) assertEquals(parentWith(path), "/tmp", what);
    // Nothing is left where it did not serve.
    assertEquals(Array.from(Deno.readDirSync(`${dir}/a,b`)), []);
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
});

Deno.test("workers reach a folder with a comma by a link without one, and others as they are", () => {
  const dir = Deno.makeTempDirSync();
  try {
    for (const name of ["a,b", "plain", "sockets"]) Deno.mkdirSync(`${dir}/${name}`);
    Deno.writeTextFileSync(`${dir}/a,b/file`, "text");
    const ways = makeReachable([`${dir}/a,b`, `${dir}/plain`], `${dir}/sockets`);
    assertEquals(ways[1], `${dir}/plain`);
    assertMatch(String(ways[0]), /\/sockets\/link-[0-9a-f]{16}$/);
    assertEquals(reachable(`${dir}/a,b`, `${dir}/sockets`), ways[0]);
    assertEquals(Deno.readTextFileSync(`${ways[0]}/file`), "text");
    // Removing the folder keeps the targets of its links.
    Deno.removeSync(`${dir}/sockets`, { recursive: true });
    assertEquals(Deno.readTextFileSync(`${dir}/a,b/file`), "text");
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
});
