/** Looking up paths: files, links, nothing, and errors. */
import { assertEquals, assertThrows } from "@std/assert";
import { join } from "node:path";
import { isMissing } from "../../src/base/file_fault.ts";
import { pathExists, statIfExists } from "../../src/base/files/path_lookup.ts";

Deno.test("statIfExists() returns the file info, or undefined where nothing is", () => {
  const folder = Deno.makeTempDirSync();
  try {
    const file = join(folder, "file");
    Deno.writeTextFileSync(file, "x");
    assertEquals(statIfExists(file)?.isFile, true);
    assertEquals(statIfExists(join(folder, "none")), undefined);
    assertThrows(() => statIfExists(join(file, "below")), Error);
    assertEquals(statIfExists(join(file, "below"), { isAbsent: isMissing }), undefined);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("pathExists() sees a broken link unless it follows links, and is false for errors", () => {
  const folder = Deno.makeTempDirSync();
  try {
    const [link, file] = [join(folder, "link"), join(folder, "file")];
    Deno.symlinkSync(file, link);
    assertEquals(pathExists(link), true);
    assertEquals(pathExists(link, { followLinks: true }), false);
    Deno.writeTextFileSync(file, "x");
    assertEquals(pathExists(link, { followLinks: true }), true);
    assertEquals(pathExists(join(file, "below")), false);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});
