/** Tests declare the capabilities that they need, and report missing ones. */
import { fileURLToPath } from "node:url";
import { assertEquals, assertMatch } from "@std/assert";
import { type Need, needing, works } from "../support/needs.ts";

Deno.test("a need is tried once, and a test without it is left out and names it", () => {
  let tries = 0;
  const lacking = {
    what: "a program that is nowhere",
    holds: () => tries++ > 0 || works("no-such"),
  };
  const there = { what: "a shell", holds: () => works("sh", "-c", "true") };
  const failing = { what: "a program that fails", holds: () => works("sh", "-c", "false") };
  const left = { name: "it works (not run: needs a program that is nowhere)", ignore: true };
  assertEquals(needing("it works", lacking, there), left);
  assertEquals(needing("it works", lacking), left);
  assertEquals(tries, 1);
  assertEquals(needing("it works", there), { name: "it works", ignore: false });
  assertEquals(needing("it works", failing).ignore, true);
});

/** As in ordinary containers for root. */
const WITHOUT_MOUNT = ["--bounding-set=-sys_admin", "--inh-caps=-sys_admin"];
const DROP: Need = {
  what: "the right to drop rights",
  holds: () => works("setpriv", ...WITHOUT_MOUNT, "true"),
};

Deno.test({
  ...needing("root without the right to mount fails no test for it", DROP),
  fn: async () => {
    const file = fileURLToPath(new URL("disk_test.ts", import.meta.url));
    const { code, stdout } = await new Deno.Command("setpriv", {
      args: [
        ...WITHOUT_MOUNT,
        Deno.execPath(),
        ...["test", "--quiet", "--no-prompt", "--no-check", "-A"],
        file,
      ],
      env: { NO_COLOR: "1" },
      stderr: "inherit",
    }).output();
    const said = new TextDecoder().decode(stdout);
    assertEquals(code, 0, said);
    assertMatch(said, /the next one works \(not run: needs the right to mount\) \.\.\. ignored/);
    assertMatch(said, /ok \| \d passed \| 0 failed \| [1-9]\d* ignored/);
  },
});
