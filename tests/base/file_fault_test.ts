/** Errors of files and permissions, as the one line that a user reads. */
import { assert, assertEquals, assertMatch, assertStrictEquals } from "@std/assert";
import { statSync } from "node:fs";
import {
  fileFault,
  hasCode,
  isMissing,
  naming,
  reasonOf,
  withFileFaults,
  writingFault,
} from "../../src/base/file_fault.ts";
import { UserError } from "../../src/base/user_error.ts";

/** The error that an action throws. */
function errorOf(deed: () => unknown): unknown {
  try {
    deed();
  } catch (error) {
    return error;
  }
  throw new Error("Cannot test: need a deed that fails");
}

/** The message of a UserError. */
function lineOf(error: unknown, doing = {}): string {
  const refusal = fileFault(error, doing);
  assert(refusal instanceof UserError, String(error));
  assert(!/os error|--allow-all|\n/.test(refusal.message), refusal.message);
  return `${refusal.exit}: ${refusal.message}`;
}

Deno.test("errors of the system name the path and what to do", () => {
  const dir = Deno.makeTempDirSync();
  try {
    Deno.writeTextFileSync(`${dir}/file`, "");
    Deno.symlinkSync(`${dir}/loop`, `${dir}/loop`);
    const long = `${dir}/${"x".repeat(400)}`;
    const cases: [() => unknown, RegExp][] = [
      [
        () => Deno.readTextFileSync(`${dir}/none`),
        /^noInput: Cannot read .+\/none: need a path that exists: there is none$/,
      ],
      [() => statSync(`${dir}/none`), /^noInput: Cannot read .+\/none: need a path that exists/],
      [() => Deno.readTextFileSync(dir), /^noInput: Cannot read \S+: need a file: it is a folder$/],
      [() => Array.from(Deno.readDirSync(`${dir}/loop/`)), /: they lead in a circle$/],
      [() => Deno.mkdirSync(`${dir}/file`), /^config: Cannot read .+\/file: need a free path/],
      [() => Deno.statSync(long), /^config: Cannot read .+\.\.\.x+: need a shorter path/],
      [() => Deno.statSync("a\0b"), /^config: Cannot read a\\u0000b: need a path without zero/],
      [() => statSync("a\0b"), /^config: Cannot read .+: need a path without zero bytes/],
      [() => Deno.statSync(""), /^config: Cannot read a file: need a path: it is empty$/],
      [
        () => Deno.statSync("/proc/self/mem"),
        /^config: Cannot read \/proc\/self\/mem: need a path /,
      ],
      [
        () => Deno.mkdirSync("/dev/shm/x"),
        /^config: Cannot read \/dev\/shm\/x: need a path outside/,
      ],
    ];
    for (const [deed, line] of cases) assertMatch(lineOf(errorOf(deed), { doing: "read" }), line);
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
});

Deno.test("a command says what it was about, and which path the user wrote", () => {
  const error = errorOf(() => Deno.statSync("/none"));
  const doing = { doing: "train on", path: "a\nb", need: "a text", exit: "data" } as const;
  assertEquals(lineOf(error, doing), "data: Cannot train on a\\nb: need a text: there is none");
  assertEquals(lineOf(error), "noInput: Cannot use /none: need a path that exists: there is none");
  const thrown = errorOf(() => withFileFaults(doing, () => Deno.statSync("/none")));
  assertEquals(lineOf(thrown), "data: Cannot train on a\\nb: need a text: there is none");
});

Deno.test("errors that no test can bring about are known by their codes", () => {
  const of = (code: string) => Object.assign(new Error("x"), { code, path: "p" });
  const state = {
    EROFS: /^config: .+: it is read-only$/,
    EACCES: /^config: .+ permission for this user: the system refuses it$/,
    ENOSPC: /^tooLarge: .+: the disk is full/,
    EDQUOT: /^tooLarge: /,
    EXDEV: /^config: /,
    ETXTBSY: /^config: /,
    EINVAL: /^config: /,
    EIO: /^config: /,
    ENOTDIR: /^noInput: .+: a part of it is a file, not a folder$/,
  };
  for (const [code, line] of Object.entries(state)) assertMatch(lineOf(of(code)), line);
  assertEquals([isMissing(of("ENOTDIR")), isMissing(of("EACCES"))], [true, false]);
  assertEquals([hasCode(of("ENOSPC"), "ENOSPC"), hasCode(new Error("ENOSPC"), "ENOSPC")], [
    true,
    false,
  ]);
  assertMatch(reasonOf(of("ENOSPC")), /^the disk is full/);
  assertEquals(reasonOf(new Error("x")), "x");
});

Deno.test("errors that Deno does not name are known by their numbers", () => {
  const lines: [number, RegExp][] = [
    [122, /^tooLarge: Cannot use a file: need free space: the quota of this user is used up$/],
    [27, /^tooLarge: .+: it allows smaller ones$/],
    [116, /^config: .+: the file is gone there$/],
  ];
  for (const [number, line] of lines) {
    assertMatch(lineOf(new Error(`Its words (os error ${number})`)), line);
  }
  const placed = errorOf(() =>
    naming("runs/a/x", () => {
      throw new Error("Disk quota exceeded (os error 122)");
    })
  );
  assertMatch(lineOf(placed), /^tooLarge: Cannot use runs\/a\/x: /);
});

Deno.test("whatever the system says of a file that is written becomes a line with its own words", () => {
  const doing = { doing: "save to", path: "runs/a" };
  const strange = new Error("Some disks say this (os error 5005): write 'x'");
  assertEquals(
    writingFault(strange, doing)?.message,
    "Cannot save to runs/a: Some disks say this",
  );
  const full = Object.assign(new Error("x"), { code: "ENOSPC" });
  const known = writingFault(full, doing);
  assertEquals(known?.exit, "tooLarge");
  assertStrictEquals(writingFault(known, { doing: "use" }), known);
  const bugs = [new TypeError("x"), Object.assign(new Error("x"), { code: "ERR_X" }), "text"];
  for (const bug of [...bugs, new UserError("data", "x")]) {
    assertEquals(writingFault(bug, doing), undefined);
  }
});

Deno.test("what is no error of a file stays what it was", () => {
  const refusal = new UserError("data", "Cannot read x");
  const capable = new Deno.errors.NotCapable('Requires env access to "X", run again with');
  for (const value of [refusal, new TypeError("x"), capable, "text", undefined]) {
    assertStrictEquals(fileFault(value), value);
  }
});
