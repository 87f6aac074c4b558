/** Errors that nothing awaits end a command as all others do, and steer no terminal. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { EXIT } from "../../src/base/user_error.ts";
import { assertHarmless } from "../support/hostile.ts";

const HREF = new URL("../../src/", import.meta.url).href;

/** Ends a command by an error that is thrown, or rejected, where nobody waits for it. */
const lost = (how: string) => `
import { UserError } from "${HREF}base/user_error.ts";
import { runCommand } from "${HREF}cli/command.ts";
const text = "a\\x1b[2Jb\\u009b5A\\u202ec";
await runCommand(async () => {
  ${how};
  await new Promise((resolve) => setTimeout(resolve, 60_000));
}, { enter: () => {} });
`;

const CASES = {
  "setTimeout(() => { throw new Error(text); })": "bug",
  "Promise.reject(new Error(text))": "bug",
  "Promise.reject(text)": "bug",
  'Promise.reject(new UserError("data", text))': "data",
} as const;

for (const [how, exit] of Object.entries(CASES)) {
  Deno.test(`a command ends, and says why in harmless words, by ${how}`, async () => {
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["eval", "--quiet", lost(how)],
      env: { NO_COLOR: "1" },
      stdout: "null",
      stderr: "piped",
    }).output();
    const said = new TextDecoder().decode(stderr);
    assertEquals(code, EXIT[exit], said);
    assertHarmless(said);
    assertStringIncludes(said, "\\u009b5A\\u202ec");
  });
}
