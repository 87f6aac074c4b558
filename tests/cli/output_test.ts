/** Stdout takes all of a text, and a reader or a terminal that is gone is no fault. */
import { assertEquals, assertThrows } from "@std/assert";
import { openOutput, openProduct, quietenLostConsole } from "../../src/terminal/output.ts";
import { ERRORS } from "../faults/support/bad_disk.ts";

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

  Deno.test(`a console is silent once the ${who} is gone, and throws bugs`, () => {
    let thrown: Error = error;
    const write = () => {
      throw thrown;
    };
    const lost: Console = { ...console, log: write, info: write, warn: write, error: write };
    quietenLostConsole(lost);
    for (const name of ["warn", "error"] as const) lost[name]("a");
    for (const known of Object.values(ERRORS)) {
      thrown = known();
      for (const name of ["warn", "error"] as const) lost[name]("a");
    }
    thrown = new TypeError("a bug");
    assertThrows(() => lost.error("a"), TypeError, "a bug");
  });
}

for (const [code, error] of Object.entries(ERRORS)) {
  Deno.test(`openOutput() keeps what a stream does not take, and writes it in order later: ${code}`, () => {
    const taken: number[] = [];
    let room = 3;
    const output = openOutput({
      isTerminal: () => false,
      writeSync(bytes) {
        if (room === 0) throw error();
        const some = bytes.subarray(0, room);
        taken.push(...some);
        room -= some.length;
        return some.length;
      },
    });
    for (const text of ["one\n", "two\n"]) output.write(text);
    assertEquals(new TextDecoder().decode(Uint8Array.from(taken)), "one");
    room = Infinity;
    output.write("three\n");
    assertEquals(new TextDecoder().decode(Uint8Array.from(taken)), "one\ntwo\nthree\n");
    assertEquals(output.closed.aborted, false);
  });
}

Deno.test("openOutput() keeps a bounded number of bytes, and no half line of what it drops", () => {
  let text = "";
  let room = false;
  const output = openOutput({
    writeSync(bytes) {
      if (!room) throw new Error("Disk quota exceeded (os error 122)");
      text += new TextDecoder().decode(bytes);
      return bytes.length;
    },
  });
  const line = "x".repeat(2 ** 16 - 1) + "\n";
  for (let i = 0; i < 40; i++) output.write(line);
  room = true;
  output.write("last\n");
  assertEquals(text, line.repeat(16) + "last\n");
});

Deno.test("openOutput() throws a bug", () => {
  const output = openOutput({
    writeSync() {
      throw new TypeError("a bug");
    },
  });
  assertThrows(() => output.write("a"), TypeError, "a bug");
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
