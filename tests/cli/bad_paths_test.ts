/** Every command with every option that takes a path, given what cannot serve: one line, and no stack. */
import { assert, assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { endingOf } from "../../src/cli/command.ts";
import { diskFacts } from "../../src/cli/doctor/ways.ts";
import { evalCommand } from "../../src/cli/eval/eval.ts";
import { exportCommand } from "../../src/cli/export/export.ts";
import { generateCommand } from "../../src/cli/generate/generate.ts";
import { importCommand } from "../../src/cli/import/import.ts";
import { planCommand } from "../../src/cli/plan/plan.ts";
import { prepareCommand } from "../../src/cli/prepare/prepare.ts";
import { profileCommand } from "../../src/cli/profile/profile.ts";
import { scalingCommand } from "../../src/cli/scaling/scaling.ts";
import { sweepCommand } from "../../src/cli/sweep/sweep.ts";
import { trainCommand } from "../../src/cli/train/train.ts";
import { workersCommand } from "../../src/cli/workers/workers.ts";
import { textOf } from "../e2e/text.ts";
import { quietly } from "../support/quietly.ts";

type Command = (args: readonly string[]) => Promise<unknown>;

const MODEL = fileURLToPath(new URL("../golden/hf_gpt2_tiny", import.meta.url));
const DIR = Deno.makeTempDirSync({ prefix: "shoal-paths-" });
const TEXT = `${DIR}/text.txt`;
const CONFIG = `${DIR}/tiny.json`;

/** Paths at which nothing serves, whatever is asked of them. */
const ALWAYS: Readonly<Record<string, string>> = {
  "nothing": "",
  "a path through a file": `${TEXT}/x`,
  "memory of a process": "/proc/self/mem",
  "a device that is full": "/dev/full",
  "shared memory": "/dev/shm/shoal",
  "a folder of processes": "/proc",
  "a folder of devices": "/dev",
  "a name that is too long": `${DIR}/${"long".repeat(100)}`,
  "a path that is too long": `${DIR}/${"deep/".repeat(1000)}`,
  "a name with a zero byte": `${DIR}/zero\0byte`,
  "a link to itself": `${DIR}/loop`,
};
/** The same where something is read. */
const READ: Readonly<Record<string, string>> = {
  ...ALWAYS,
  "what is not there": `${DIR}/missing`,
  "a folder that is not there": `${DIR}/missing/`,
  "a link to nothing": `${DIR}/dangling`,
};
const FILE = { ...READ, "a folder": `${DIR}/folder`, "a folder with a slash": `${DIR}/folder/` };
const FOLDER = { ...READ, "a file": TEXT, "the empty device": "/dev/null" };
/** The same by names that a config or a tokenizer may have. */
const JSON_FILE = {
  "a path through a file": `${TEXT}/x.json`,
  "memory of a process": "/proc/self/mem.json",
  "shared memory": "/dev/shm/x.json",
  "a name that is too long": `${DIR}/${"long".repeat(100)}.json`,
  "a path that is too long": `${DIR}/${"deep/".repeat(1000)}x.json`,
  "a name with a zero byte": `${DIR}/zero\0byte.json`,
  "a link to itself": `${DIR}/loop.json`,
  "what is not there": `${DIR}/missing.json`,
  "a link to nothing": `${DIR}/dangling.json`,
  "a folder": `${DIR}/folder.json`,
  "another kind of name": TEXT,
};
const OUT = { ...ALWAYS, "a file": TEXT, "the empty device": "/dev/null" };

/** Commands, each with the words before a path and the paths that it must refuse. */
const CASES: readonly (readonly [string, Command, readonly string[], string, typeof READ])[] = [
  ["prepare FILE", prepareCommand, [`--out=${DIR}/tokens`], "", { ...FILE }],
  ["prepare --out", prepareCommand, [TEXT], "--out=", OUT],
  ["prepare --check", prepareCommand, [], "--check=", FOLDER],
  ["prepare --tokenizer", prepareCommand, [TEXT, `--out=${DIR}/tokens`], "--tokenizer=", JSON_FILE],
  ["train CONFIG", trainCommand, [], "--config=", JSON_FILE],
  ["train --data", trainCommand, [CONFIG], "--data=", FILE],
  ["train --out", trainCommand, [CONFIG], "--out=", OUT],
  ["train --resume", trainCommand, [], "--resume=", FOLDER],
  ["train --restart", trainCommand, [], "--restart=", FOLDER],
  ["train --init", trainCommand, [CONFIG], "--init=", FOLDER],
  ["train --data.tokenizer", trainCommand, [CONFIG], "--data.tokenizer=", JSON_FILE],
  ["train --faults", trainCommand, [CONFIG, "--testing"], "--faults=", FILE],
  ["eval PATH", evalCommand, [], "", FOLDER],
  ["eval --data", evalCommand, [MODEL], "--data=", FILE],
  ["generate PATH", generateCommand, ["--prompt=a"], "", FOLDER],
  ["generate --prompt-file", generateCommand, [MODEL], "--prompt-file=", FILE],
  ["export PATH", exportCommand, [], "", FOLDER],
  ["export --out", exportCommand, [MODEL], "--out=", OUT],
  ["import PATH", importCommand, [`--out=${DIR}/run`], "", FOLDER],
  ["import --out", importCommand, [MODEL], "--out=", OUT],
  ["plan CONFIG", planCommand, ["--probe=0"], "--config=", JSON_FILE],
  ["plan --scaling", planCommand, [CONFIG, "--probe=0"], "--scaling=", READ],
  ["profile CONFIG", profileCommand, [], "--config=", JSON_FILE],
  ["profile --trace", profileCommand, [CONFIG, "--device=auto"], "--trace=", OUT_FILE()],
  ["scaling DIR", scalingCommand, [], "", FOLDER],
  ["scaling --csv", scalingCommand, [`${DIR}/fit`], "--csv=", FILE],
  ["sweep FILE", sweepCommand, [], "", JSON_FILE],
  ["sweep --out", sweepCommand, [`${DIR}/sweep.json`], "--out=", OUT],
  ["doctor --out", ([out = ""]) => diskFacts(out), [], "", DISK()],
  ["workers RUN", ([out = ""]) => workersCommand([out, "+1"]), [], "", FOLDER],
];

/** A trace is a file in a folder that is there. */
function OUT_FILE(): typeof READ {
  const { "a file": _, "the empty device": _device, ...more } = OUT;
  return { ...more, "a folder": `${DIR}/folder` };
}

/** `doctor` looks at the folder that is there. */
function DISK(): typeof READ {
  const { nothing: _, "a path through a file": _through, ...more } = ALWAYS;
  return more;
}

function prepareFolder(): void {
  Deno.writeTextFileSync(TEXT, textOf(1, 4000));
  Deno.mkdirSync(`${DIR}/folder`);
  Deno.mkdirSync(`${DIR}/folder.json`);
  for (const end of ["", ".json"]) {
    Deno.symlinkSync(`${DIR}/nowhere`, `${DIR}/dangling${end}`);
    Deno.symlinkSync(`${DIR}/loop${end}`, `${DIR}/loop${end}`);
  }
  const base = {
    device: "reference",
    workers: 1,
    model: { layers: 1, width: 8, heads: 2 },
    data: { path: TEXT, seq_len: 8 },
  };
  Deno.writeTextFileSync(CONFIG, JSON.stringify(base));
  Deno.writeTextFileSync(`${DIR}/sweep.json`, JSON.stringify({ name: "s", base, axes: {} }));
}

Deno.test({
  name: "every command with every path that cannot serve ends with one line and no stack",
  // Commands that train listen to signals until their process ends.
  sanitizeOps: false,
  sanitizeResources: false,
  fn: async (t) => {
    prepareFolder();
    const names = () => Array.from(Deno.readDirSync(DIR), ({ name }) => name).sort();
    const before = names();
    for (const [name, command, words, flag, paths] of CASES) {
      await t.step(name, async () => {
        for (const [what, path] of Object.entries(paths)) {
          const args = flag === "" ? [path, ...words] : [...words, flag + path];
          const { exit, says } = await quietly(() =>
            endingOf(async () => void await command(args))
          );
          const line = String(says);
          assert(exit !== "done" && exit !== "bug", `${what}: ${exit}: ${line}`);
          assert(/^error: Cannot [^\n]+$/.test(line), `${what}: ${line}`);
          assert(!/os error|--allow-all|run again with/.test(line), `${what}: ${line}`);
        }
      });
    }
    assertEquals(names().filter((name) => !["tokens", "run", "fit"].includes(name)), before);
    Deno.removeSync(DIR, { recursive: true });
  },
});
