/** Stdout takes all of a text, and a reader that leaves is no fault. */
import { assertEquals, assertThrows } from "@std/assert";
import { openOutput } from "../../src/cli/output.ts";

Deno.test("openOutput() writes all bytes to a sink that takes a few at a time", () => {
  const taken: number[] = [];
  const output = openOutput({
    writeSync(bytes) {
      taken.push(...bytes.subarray(0, 3));
      return Math.min(3, bytes.length);
    },
  });
  output.write("a whale é\n");
  output.write("");
  assertEquals(new TextDecoder().decode(Uint8Array.from(taken)), "a whale é\n");
  assertEquals(output.closed.aborted, false);
});

Deno.test("openOutput() is closed once the reader is gone, and silent from then on", () => {
  let calls = 0;
  const output = openOutput({
    writeSync() {
      calls += 1;
      throw new Deno.errors.BrokenPipe("gone");
    },
  });
  output.write("a");
  output.write("b");
  assertEquals([output.closed.aborted, calls], [true, 1]);
});

Deno.test("openOutput() lets other faults through", () => {
  const output = openOutput({
    writeSync() {
      throw new Error("disk full");
    },
  });
  assertThrows(() => output.write("a"), Error, "disk full");
});
