/**
 * A command that writes beyond a limit of 256 MiB, without filling it: `file_limit_child.ts
 * <file>`.
 */
import { naming } from "../../../src/base/file_fault.ts";
import { runCommand } from "../../../src/cli/command.ts";

await runCommand(() => {
  const path = Deno.args[0] ?? "";
  using file = Deno.openSync(path, { write: true, create: true });
  file.seekSync(2 ** 28, Deno.SeekMode.Start);
  naming(path, () => file.writeSync(new Uint8Array(1)));
  return Promise.resolve("done");
});
