/** The table of commands, and what follows from it: deno.json's tasks, permissions, README's list. */
import { assert, assertEquals, assertLess, assertMatch } from "@std/assert";
import { fileURLToPath } from "node:url";
import denoJson from "../../deno.json" with { type: "json" };
import packageJson from "../../package.json" with { type: "json" };
import { COMMANDS, denoOptions, entryOf, tasks } from "../../src/cli/commands.ts";
import { allowRun, permissionFlags, PERMISSIONS } from "../../src/cli/permissions.ts";

const ROOT = new URL("../../", import.meta.url);
const MACHINE = { deno: "/usr/bin/deno", libraryPath: undefined };

/** The commands that are programs with permissions of their own. */
const PROGRAMS = COMMANDS.flatMap(({ name, runs }) => "entry" in runs ? [{ name, ...runs }] : []);

Deno.test("the tasks of deno.json are those of the table, in its order", () => {
  assertEquals(Object.entries(denoJson.tasks), Object.entries(tasks()));
});

Deno.test("a task's line, which Deno prints before it runs, is short and names no permission", () => {
  for (const [name, line] of Object.entries(denoJson.tasks)) {
    if (name === "check") continue;
    assertLess(line.length, 80, name);
    assert(!/--allow|--deny/.test(line), `${name} has permissions beside its set`);
  }
});

Deno.test("every command's module is there, and every set of permissions has a command", () => {
  for (const { entry } of PROGRAMS) assert(Deno.statSync(new URL(entry, ROOT)).isFile, entry);
  const used = PROGRAMS.map(({ permissions }) => permissions);
  assertEquals([...new Set(used)].sort(), Object.keys(PERMISSIONS).sort());
});

Deno.test("commands of one section stand together, each with a short line and a name of its own", () => {
  const sections = COMMANDS.map(({ section }) => section);
  const changes = sections.filter((section, i) => section !== sections[i - 1]);
  assertEquals(changes.length, new Set(sections).size);
  assertEquals(new Set(COMMANDS.map(({ name }) => name)).size, COMMANDS.length);
  for (const { purpose } of COMMANDS) assertMatch(purpose, /^[A-Z][^"\n]{10,64}[^."\n]$/);
});

Deno.test("README lists each command for its users with what it does, CONTRIBUTING the others", () => {
  const names = new Set(COMMANDS.map(({ name }) => name));
  const listed = ["README.md", "CONTRIBUTING.md"].flatMap((path) => {
    const text = Deno.readTextFileSync(new URL(path, ROOT));
    return Array.from(
      text.matchAll(/^\| `([\w:]+)` +\| (.*?) +\|$/gm),
      ([, name = "", purpose = ""]) => [name, purpose.replaceAll("`", "")] as const,
    ).filter(([name]) => names.has(name));
  });
  assertEquals(listed, COMMANDS.map(({ name, purpose }) => [name, purpose] as const));
});

Deno.test("a set becomes flags that allow what it names and nothing else", () => {
  assertEquals(permissionFlags("generate", MACHINE), [
    "--allow-read",
    "--allow-env=INIT_CWD,DENO_WEBGPU_BACKEND",
  ]);
  assertEquals(permissionFlags("workers", MACHINE), [
    "--allow-read",
    "--allow-write",
    "--allow-net",
    "--deny-net=0.0.0.0/0,[::],[::1]",
    "--allow-env=INIT_CWD",
  ]);
  assertEquals(denoOptions("prepare", MACHINE), [
    ...["run", "--quiet", "--no-prompt", "--no-remote"],
    ...["--allow-read", "--allow-write", "--allow-env=INIT_CWD"],
    "--v8-flags=--max-semi-space-size=4,--heap-growing-percent=30",
  ]);
});

Deno.test("the flag to start processes names this Deno, whatever its path, and nvidia-smi", () => {
  const of = (deno: string, libraryPath?: string) => allowRun({ deno, libraryPath });
  assertEquals(of("/usr/bin/deno"), "--allow-run=/usr/bin/deno,nvidia-smi");
  assertEquals(of("/my größe #1/deno", ""), "--allow-run=/my größe #1/deno,nvidia-smi");
  assertEquals(of("/a,b/deno", ""), "--allow-run");
  assertEquals(of("/usr/bin/deno", "/usr/lib"), "--allow-run");
});

Deno.test("the words for a shell name modules by whole paths, those for a task are split at spaces", () => {
  const words = (...args: string[]): string => {
    const { code, stdout } = new Deno.Command(Deno.execPath(), {
      args: ["run", "-q", "--no-prompt", "-P", "src/cli/launch.ts", ...args],
      cwd: ROOT,
      env: { LD_LIBRARY_PATH: "" },
    }).outputSync();
    assertEquals(code, 0);
    return new TextDecoder().decode(stdout).trimEnd();
  };
  const { permissions, entry } = entryOf("plan");
  const machine = { deno: Deno.execPath(), libraryPath: "" };
  const task = words("plan").split(" ");
  assertEquals(task.at(-1), entry);
  for (const flag of permissionFlags(permissions, machine)) assert(task.includes(flag), flag);
  const { stdout } = new Deno.Command("sh", {
    args: ["-c", `eval "set -- $1"; printf '%s\\n' "$@"`, "sh", words("plan", "sh")],
  }).outputSync();
  const quoted = new TextDecoder().decode(stdout).trimEnd().split("\n");
  assertEquals(quoted.at(-1), fileURLToPath(new URL(entry, ROOT)));
  for (const flag of permissionFlags(permissions, machine)) assert(quoted.includes(flag), flag);
});

Deno.test("the version is a number of three parts, and stands in package.json alone", () => {
  assertMatch(packageJson.version, /^\d+\.\d+\.\d+$/);
  assert(!("version" in denoJson));
});
