/**
 * Prints the words with which Deno runs a command: the options of its permissions, and its module.
 * The caller starts Deno with them and puts the command's own arguments behind, so that no process
 * of ours stands between a signal and the command.
 *
 * `launch.ts NAME` is for the tasks of deno.json, whose shell runs in the checkout and splits at
 * spaces; with `sh` behind the name the words are quoted and paths are absolute.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CONFIG } from "../base/installed.ts";
import { shellWord } from "../base/text/shell.ts";
import { denoOptions, entryOf } from "./commands.ts";
import { allowRun } from "./permissions.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

const [name = "", form] = Deno.args;
const machine = { deno: Deno.execPath(), libraryPath: Deno.env.get("LD_LIBRARY_PATH") };
const options = denoOptions(name, machine);
const { entry } = entryOf(name);
if (form === "sh") {
  const words = [...options, CONFIG, join(ROOT, entry)];
  console.log(words.map(shellWord).join(" "));
} else {
  // A path with spaces would be split; the permission that names it becomes the unrestricted one.
  const whole = options.map((word) =>
    word === allowRun(machine) && /\s/.test(word) ? "--allow-run" : word
  );
  console.log([...whole, entry].join(" "));
}
