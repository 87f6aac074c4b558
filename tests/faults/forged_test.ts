/** Errors for a checkpoint that verifies but is not the state of a run. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { EXIT } from "../../src/base/user_error.ts";
import { MANIFEST, type Manifest, printManifest } from "../../src/checkpoint/manifest.ts";
import { runCommand } from "../e2e/command.ts";
import { namesIn } from "../e2e/support.ts";
import { args, golden, Lab } from "./support/support.ts";

Deno.test("gpt: a forged checkpoint ends no command as a bug, and a resume goes on from the one before it", async () => {
  using lab = new Lab();
  const state = await golden("gpt");
  await lab.finish(args("gpt", "run", "--workers=1"));
  const path = lab.of("run/checkpoints/step-00000024");
  const { seal: _, ...manifest } = JSON.parse(Deno.readTextFileSync(`${path}/${MANIFEST}`));
  const forged = { ...manifest, tokenizer: 7 } as Manifest;
  Deno.writeTextFileSync(`${path}/${MANIFEST}`, printManifest(forged));
  const says = /manifest\.json: its tokenizer is none: it: Invalid input/;
  const commands = [
    ["generate", path],
    ["eval", path, "--data=text.txt"],
    ["export", path, "--out=model"],
  ] as const;
  for (const [task, ...words] of commands) {
    const { code, stderr } = await runCommand(task, words, { cwd: lab.path });
    assertEquals(code, EXIT.incompatible, `${task}: ${stderr}`);
    assertMatch(stderr, RegExp(`^error: [^\\n]*${says.source}[^\\n]*\\n$`));
  }
  const init = await lab.run(args("gpt", "begun", `--init=${path}`));
  assertEquals(init.code, EXIT.incompatible, init.stderr);
  assert(!namesIn(lab.path).includes("begun"));
  const { stdout, stderr } = await lab.finish(["--resume=run"]);
  assertMatch(stdout + stderr, says);
  const aside = namesIn(lab.of("run/checkpoints")).filter((name) => name.startsWith("."));
  assertEquals(aside.length, 1);
  assertMatch(aside[0] ?? "", /^\.corrupt-step-00000024-/);
  Deno.removeSync(lab.of(`run/checkpoints/${aside[0]}`), { recursive: true });
  await lab.assertEnded("run", { state });
});
