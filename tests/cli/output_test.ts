/** Stdout takes all of a text, and a reader or a terminal that is gone is no fault. */
import { assertEquals, assertThrows } from "@std/assert";
import { openOutput, openProduct, quietenLostConsole } from "../../src/cli/output.ts";

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

/** What a write fails with where the reader or the terminal is gone. */
const GONE = {
  reader: new Deno.errors.BrokenPipe("gone"),
  terminal: Object.assign(new Error("Input/output error (os error 5)"), { code: "EIO" }),
};

for (const [who, error] of Object.entries(GONE)) {
  Deno.test(`openOutput() is closed once the ${who} is gone, and silent from then on`, () => {
    let calls = 0;
    const output = openOutput({
      writeSync() {
        calls += 1;
        throw error;
      },
    });
    output.write("a");
    output.write("b");
    assertEquals([output.closed.aborted, calls], [true, 1]);
  });

  Deno.test(`a console is silent once the ${who} is gone, and throws what else fails`, () => {
    let thrown: Error = error;
    const write = () => {
      throw thrown;
    };
    const lost: Console = { ...console, log: write, info: write, warn: write, error: write };
    quietenLostConsole(lost);
    for (const name of ["log", "info", "warn", "error"] as const) lost[name]("a");
    thrown = new Error("disk full");
    assertThrows(() => lost.error("a"), Error, "disk full");
  });
}

Deno.test("openOutput() lets other faults through", () => {
  const output = openOutput({
    writeSync() {
      throw new Error("disk full");
    },
  });
  assertThrows(() => output.write("a"), Error, "disk full");
});

Deno.test("openProduct() leaves a text as it is in a pipe, and makes it harmless on a terminal", () => {
  // Model output: a part of a character waits in the stream of tokens, not here.
  const text = "\x1b[2Ja\x9b\tb\r\n\u202eé 🐟";
  const shown = (terminal: boolean) => {
    let bytes: number[] = [];
    const output = openProduct({
      writeSync: (part) => {
        bytes = [...bytes, ...part];
        return part.length;
      },
      isTerminal: () => terminal,
    });
    for (const part of text.match(/[^]{1,4}/gu) ?? []) output.write(part);
    return new TextDecoder().decode(Uint8Array.from(bytes));
  };
  assertEquals(shown(false), text);
  assertEquals(shown(true), "\\u001b[2Ja\\u009b\tb\\r\n\\u202eé 🐟");
});
