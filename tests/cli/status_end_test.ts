/** A command that fails while its status is drawn: the error begins a line of its own. */
import { assertEquals } from "@std/assert";
import { UserError } from "../../src/base/user_error.ts";
import { endingOf } from "../../src/cli/command.ts";
import { prepareCommand } from "../../src/cli/prepare/prepare.ts";
import { openStatus } from "../../src/terminal/status.ts";

const ERASE = "\r\x1b[K";

/** A terminal that keeps what was written. */
class Terminal {
  text = "";

  isTerminal(): boolean {
    return true;
  }

  writeSync(bytes: Uint8Array): number {
    this.text += new TextDecoder().decode(bytes);
    return bytes.length;
  }
}

for (
  const [what, error] of [["a refusal", new UserError("data", "no")], ["a bug", new Error("no")]]
) {
  Deno.test(`an open status is cleared before ${what} is printed`, async () => {
    const screen = new Terminal();
    await endingOf(() => {
      openStatus(screen).show("reading");
      return Promise.reject(error);
    });
    assertEquals(screen.text, `${ERASE}reading${ERASE}`);
  });
}

Deno.test("prepare --check of a folder that is not there clears its status", async () => {
  const { writeSync, isTerminal } = Deno.stderr;
  const screen = new Terminal();
  Object.assign(Deno.stderr, {
    writeSync: (bytes: Uint8Array) => screen.writeSync(bytes),
    isTerminal: () => true,
  });
  try {
    const { exit } = await endingOf(() => prepareCommand(["--check=/nowhere/at/all"]));
    assertEquals(exit, "noInput");
  } finally {
    Object.assign(Deno.stderr, { writeSync, isTerminal });
  }
  assertEquals(screen.text, `${ERASE}looking for the files${ERASE}`);
});
