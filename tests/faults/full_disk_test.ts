/** Runs on disks that are full, fill up, or fail: only data that did not fit are lost. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { fileURLToPath } from "node:url";
import { EXIT } from "../../src/base/user_error.ts";
import { ROOT, taskOptions, tinyArgs } from "../e2e/support.ts";
import { Lab } from "./support/support.ts";
import { MOUNT, needing, STRACE } from "../support/needs.ts";
import { inNamespace } from "./support/disk.ts";

/** A shell command that runs `train`. */
function trainLine(...args: readonly string[]): string {
  const words = [Deno.execPath(), ...taskOptions(), `${ROOT}src/cli/train/train.ts`, ...args];
  return words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
}

const ARGS = ["--report.sample_length=0", "--workers=1"] as const;

Deno.test({
  ...needing("a full disk is known before anything is computed, costs saves, and no bit", MOUNT),
  fn: async () => {
    using lab = new Lab();
    await lab.succeed(tinyArgs("golden", ...ARGS));
    const disk = lab.of("disk");
    Deno.mkdirSync(disk);
    const text = await inNamespace(`
      mount -t tmpfs -o size=2m none ${disk}
      cp text.txt ${disk}
      cd ${disk}
      fill() {
        rm -f filler
        free=$(df -k . | awk 'END { print $4 }')
        head -c $(((free - $1) * 1024)) /dev/zero >filler
      }
      report() { echo "$1: \${code:-0}"; grep -h "^error\\|goes on" ${lab.path}/errors ${lab.path}/out || :; code=; }
      sums() { find run -type f ! -name .lock | sort | xargs cat | sha256sum; }
      train() { (NO_COLOR=1 ${trainLine()} "$@" >${lab.path}/out 2>${lab.path}/errors) || code=$?; }
      fill 0
      train ${tinyArgs("run", ...ARGS).join(" ")}
      report full; ls -A | tr '\\n' ' '; echo
      fill 330
      train ${tinyArgs("run", ...ARGS).join(" ")}
      report filling; ls -A run/checkpoints
      fill 0
      before=$(sums)
      train --resume=run
      report resumed; [ "$before" = "$(sums)" ] && echo unchanged
      rm filler
      train --resume=run
      report room
      cp -r run ${lab.path}/run
    `.replace("cp text.txt", `cp ${lab.path}/text.txt`));
    assertMatch(text, /^full: 72\nerror: Cannot [^\n]+: (?:need free space|0\.\d MB must be free)/);
    assertMatch(text, /^filler text\.txt $/m);
    assertMatch(
      text,
      /^filling: 72\nerror: [^\n]+; step 6 is not saved, the newest is of step 2\n.*goes on/m,
    );
    assertMatch(
      text,
      /^step-00000002\nresumed: 72\nerror: Cannot (?:save to|write) .+\nunchanged\nroom: 0$/m,
    );
    assertEquals(lab.stateHash("run"), lab.stateHash("golden"));
  },
});

Deno.test({
  ...needing("a quota that shows at a sync costs all saves, and the code says so", STRACE),
  fn: async () => {
    using lab = new Lab();
    const root = lab.of("run/checkpoints");
    const { code, stdout, stderr } = await new Deno.Command("strace", {
      args: [
        ...["-f", "-qq", "-o", "/dev/null", "-P", root, "-e", "trace=fsync"],
        ...["-e", "inject=fsync:error=EDQUOT", "sh", "-c", trainLine(...tinyArgs("run", ...ARGS))],
      ],
      cwd: lab.path,
      env: { NO_COLOR: "1", TMPDIR: lab.of("tmp") },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).output();
    const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    assertEquals(code, EXIT.tooLarge, err);
    const line =
      `Cannot save to run/checkpoints: need free space: the quota of this user is used up`;
    assert(out?.includes(`${line}; training goes on without this checkpoint`), out);
    assert(err?.includes(`error: ${line}; step 6 is not saved, the newest is of step `), err);
    await lab.run(["--resume=run"]); // What stands there verifies, or is set aside.
    assertEquals(lab.json("run/summary.json")["steps"], 6);
    lab.assertQuiet();
  },
});

Deno.test("a file beyond ulimit -f is an error of that file, and does not end the process", async () => {
  const child = fileURLToPath(new URL("./children/file_limit_child.ts", import.meta.url));
  const folder = Deno.makeTempDirSync();
  try {
    const run = `'${Deno.execPath()}' run --quiet --no-check -A '${child}' '${folder}/file'`;
    const { code, stderr } = await new Deno.Command("bash", {
      args: ["-c", `ulimit -f 262144; ${run}`],
      stdin: "null",
      // Deno writes its caches before the command begins, and they may be larger than the limit.
      env: { NO_COLOR: "1", DENO_DIR: `${folder}/deno` },
      stderr: "piped",
    }).output();
    assertMatch(
      new TextDecoder().decode(stderr),
      /^error: Cannot use \S+: need a file system for files/,
    );
    assertEquals(code, EXIT.tooLarge);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});
