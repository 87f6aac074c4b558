/**
 * Each process has the permissions that it needs and no more: what the processes of a run ask for is
 * what their flags say, and what the flags leave out is refused.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { codeOnDisk } from "../../workers/code.ts";
import { Place, ROOT, SMOKE, taskOptions, tinyArgs } from "../e2e/support.ts";
import { audit } from "./audit.ts";
import { startedWith } from "./proc.ts";

/** Deno's words for what flags do not allow. */
const REFUSED =
  /^NotCapable: |Requires (read|import) access|no-remote is specified|cached-only is specified/;

/** The values of a flag. */
function listOf(options: readonly string[], flag: string): string[] {
  const found = options.filter((option) => option.startsWith(`--${flag}=`));
  assertEquals(found.length, 1, `--${flag} in ${options.join(" ")}`);
  return String(found[0]).slice(flag.length + 3).split(",").sort();
}

/** Values of one kind in an audit. */
function asked(entries: readonly string[], kind: string): string[] {
  return entries.filter((entry) => entry.startsWith(`${kind} `))
    .map((entry) => entry.slice(kind.length + 1));
}

/** The run's folder of sockets, seen in an audit. */
function socketsIn(entries: readonly string[], place: Place): string {
  const folders = asked(entries, "write").filter((path) =>
    path.startsWith(place.of("tmp/shoal-")) && !path.endsWith(".sock")
  );
  assertEquals(folders.length, 1, folders.join());
  return String(folders[0]);
}

/** Options and permissions that a living worker was started with. */
function optionsOf(worker: number): string[] {
  const words = startedWith(worker).split("\n");
  const end = words.findIndex((word) => word.endsWith("/workers/worker.ts"));
  assert(end > 0, `${worker} is no worker`);
  return words.slice(1, end);
}

/** The folder of sockets in a worker's options. */
function socketsOf(options: readonly string[]): string {
  const [folder, ...more] = listOf(options, "allow-read");
  assert(folder !== undefined && more.length === 0, options.join(" "));
  assertEquals(listOf(options, "allow-write"), [folder]);
  return folder;
}

/** How the deeds of deeds_child.ts end for a process with these options. */
async function deeds(
  options: readonly string[],
  { place, sockets }: { place: Place; sockets: string },
): Promise<Record<string, string>> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: [...options, `${ROOT}tests/faults/deeds_child.ts`, sockets, place.of("run")],
    cwd: place.path,
    env: { TMPDIR: place.of("tmp") },
    stderr: "inherit",
  }).output();
  return JSON.parse(new TextDecoder().decode(stdout));
}

/** All deeds but the done ones are refused by Deno, and for no other reason. */
function assertOnlyDone(ends: Readonly<Record<string, string>>, expected: readonly string[]): void {
  const done = Object.keys(ends).filter((name) => ends[name] === "done");
  assertEquals(done, expected);
  for (const [name, end] of Object.entries(ends)) {
    if (end !== "done") assertMatch(end, REFUSED, name);
  }
}

Deno.test("workers ask for the sockets of their run and for nothing else", async () => {
  using place = new Place();
  const entries = await audit("workers", place);
  const folder = socketsIn(entries, place);
  const sockets = ["c.sock", "w0.sock", "w1.sock"].map((name) => `${folder}/${name}`);
  assertEquals(entries, [
    ...sockets.map((path) => `net unix:${path}`),
    ...[folder, ...sockets].map((path) => `read ${path}`),
    ...[folder, ...sockets].map((path) => `write ${path}`),
  ]);
  place.assertQuiet();
});

Deno.test("the coordinator asks for what its flags name, for its files and for its sockets", async () => {
  using place = new Place();
  const entries = await audit("coordinator", place);
  const kinds = new Set(entries.map((entry) => entry.split(" ")[0]));
  assertEquals([...kinds].sort(), ["env", "net", "read", "sys", "write"]);
  const { permissions } = JSON.parse(Deno.readTextFileSync(`${ROOT}deno.json`));
  assertEquals(asked(entries, "env"), permissions.train.env.toSorted());
  assertEquals(asked(entries, "sys"), permissions.train.sys.toSorted());
  const folder = socketsIn(entries, place);
  // It looks for what dead runs left, wherever temporary folders lie.
  const isLeft = (path: string) =>
    path === place.of("tmp") || /^(\/var)?\/tmp(\/shoal-[0-9a-f]+(\/.*)?)?$/.test(path);
  assertEquals(
    asked(entries, "net").filter((name) => !isLeft(name.slice("unix:".length))),
    [`unix:${folder}/c.sock`, `unix:${folder}/control.sock`],
  );

  const ours = (path: string) =>
    isLeft(path) ||
    [folder, place.of("run")].some((root) => path === root || path.startsWith(`${root}/`));
  // Deno writes down that a file is opened, and "write" with it even where it is only read.
  const files = ["read", "write"].flatMap((kind) => asked(entries, kind)).filter((p) => !ours(p));
  // Workers are held to the code that is on disk, which they may not read themselves.
  const code = Array.from((await codeOnDisk()).keys(), (name) => ROOT + name);
  assertEquals(code.filter((path) => !files.includes(path)), []);
  const others = files.filter((path) => !code.includes(path));
  assertEquals(
    [...new Set(others)].sort(),
    [
      place.path,
      place.of("<TMP>"),
      place.of("text.txt"),
      SMOKE,
    ].sort(),
  );
  place.assertQuiet();
});

Deno.test("what the flags of a run's processes leave out is refused", async (t) => {
  using place = new Place();
  const running = place.start(
    tinyArgs("run", "--workers=2", "--steps=100000", "--checkpoint.every=50000"),
  );
  await running.line(/^step +7\//);
  const pids = place.processes().filter((pid) => pid !== running.pid);
  assertEquals(pids.length, 2);

  for (const pid of pids) {
    await t.step("a worker reaches its coordinator and other workers", async () => {
      const options = optionsOf(pid);
      const ends = await deeds(options, { place, sockets: socketsOf(options) });
      assertOnlyDone(ends, ["look into the sockets' folder", "dial the coordinator"]);
    });
  }

  await t.step("the coordinator reads, writes, and runs Deno, but opens no port", async () => {
    // With LD_LIBRARY_PATH it may run anything: see below.
    const options = taskOptions("");
    const ends = await deeds(options, { place, sockets: socketsOf(optionsOf(Number(pids[0]))) });
    assertOnlyDone(ends, [
      "read a file of the system",
      "read the way to the run's door for commands",
      "import a file of the system",
      "write to the run's folder",
      "make a temporary folder",
      "link out of the sockets' folder",
      "look into the sockets' folder",
      "dial the coordinator",
      "dial the door for commands",
      "run Deno",
      "ask for the machine's name",
    ]);
  });

  await t.step("the task `workers` reaches the run with the flags it has", async () => {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["task", "--quiet", "workers", place.of("run"), "2"],
      cwd: ROOT,
    }).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    assertEquals([code, text(stderr)], [0, ""]);
    assertMatch(text(stdout), /workers/);
  });

  running.kill("SIGTERM");
  assertEquals((await running.ended).code, 0);
  place.assertQuiet();
});

Deno.test("LD_LIBRARY_PATH reaches workers, though Deno hands it on only with all of run", async () => {
  using place = new Place();
  const path = place.of("lib");
  const isScoped = (value: string) =>
    taskOptions(value).includes(`--allow-run=${Deno.execPath()},nvidia-smi`);
  assertEquals([isScoped(""), isScoped(path)], [true, false]);
  const running = place.start(
    tinyArgs("run", "--steps=100000", "--checkpoint.every=50000"),
    { LD_LIBRARY_PATH: path },
  );
  await running.line(/^step +2\//);
  const workers = place.processes().filter((pid) => pid !== running.pid);
  assertEquals(workers.length, 1);
  const started = startedWith(Number(workers[0])).split("\n");
  assert(started.includes(`LD_LIBRARY_PATH=${path}`), started.join(" "));
  running.kill("SIGTERM");
  assertEquals((await running.ended).code, 0);
  place.assertQuiet();
});
