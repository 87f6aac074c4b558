import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { UserError } from "../../src/base/user_error.ts";
import { checkSpace, freeBytes, spaceFault } from "../../src/checkpoint/space.ts";
import { child } from "./fixture.ts";

Deno.test("checkSpace() requires a fifth more than the bytes to write", () => {
  checkSpace("out", { bytes: 1e6, free: 1.2e6 });
  assertThrows(
    () => checkSpace("out", { bytes: 1e6, free: 1.2e6 - 1 }),
    UserError,
    "Cannot save to out: 1.2 MB must be free: 1.2 MB are",
  );
});

Deno.test("free space is unlimited if the system does not report it", () => {
  const failing = (code: string) => () => {
    throw Object.assign(new Error(code), { code });
  };
  assertEquals(freeBytes(".", failing("ENOSYS")), Infinity);
  assertEquals(freeBytes(".", failing("EOPNOTSUPP")), Infinity);
  assertThrows(() => freeBytes(".", failing("EIO")), Error, "EIO");
});

Deno.test("freeBytes() returns the system's value", () => {
  const free = freeBytes(".");
  assertEquals(Number.isSafeInteger(free) && free > 0, true);
});

Deno.test("spaceFault() recognises the system's error for a full disk", async () => {
  // In a process of its own: only full permissions reach devices.
  const { stdout } = await child("full_disk_child.ts", { args: [], stdin: "null" }).output();
  const text = new TextDecoder().decode(stdout);
  const why = "need free space: the disk is full; make room and run it again";
  assertEquals(text, `UserError: Cannot save to out: ${why}\n`);
});

Deno.test("spaceFault() leaves other errors as they are", () => {
  const error = new TypeError("x");
  assertStrictEquals(spaceFault(error, "out"), error);
});
