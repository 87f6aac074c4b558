/**
 * Each process has only the permissions that it needs: the requests of a run's processes equal
 * their flags, and anything else is refused.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { PERMISSIONS } from "../../src/cli/permissions.ts";
import { codeOnDisk } from "../../workers/launch/code.ts";
import { Place, ROOT, SMOKE, taskOptions, tinyArgs } from "../e2e/support.ts";
import { audit } from "./support/audit.ts";
import { startedWith } from "./support/proc.ts";
import { TRACES } from "../../workers/launch/cards.ts";

/** Deno's error for a denied permission. */
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

/** The run's socket folder, from an audit. */
function socketsIn(entries: readonly string[], place: Place): string {
  const folders = asked(entries, "write").filter((path) =>
    path.startsWith(place.of("tmp/shoal-")) && !path.endsWith(".sock")
  );
  assertEquals(folders.length, 1, folders.join());
  return String(folders[0]);
}

/** Options and permissions of a running worker. */
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

/** Results of the actions of deeds_child.ts for a process with these options. */
async function deeds(
  options: readonly string[],
  { place, sockets }: { place: Place; sockets: string },
): Promise<Record<string, string>> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: [...options, `${ROOT}tests/faults/children/deeds_child.ts`, sockets, place.of("run")],
    cwd: place.path,
    env: { TMPDIR: place.of("tmp") },
    stderr: "inherit",
  }).output();
  return JSON.parse(new TextDecoder().decode(stdout));
}

/** All other actions are denied by Deno, for no other reason. */
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
  assertEquals(asked(entries, "env"), PERMISSIONS.train.env.toSorted());
  assertEquals(asked(entries, "sys"), PERMISSIONS.train.sys.toSorted());
  const folder = socketsIn(entries, place);
  // It searches temporary folders for leftovers of dead runs.
  const isLeft = (path: string) =>
    path === place.of("tmp") || /^(\/var)?\/tmp(\/shoal-(?:run-)?[0-9a-f]+(\/.*)?)?$/.test(path);
  assertEquals(
    asked(entries, "net").filter((name) => !isLeft(name.slice("unix:".length))),
    [`unix:${folder}/c.sock`, `unix:${folder}/control.sock`],
  );

  const ours = (path: string) =>
    isLeft(path) ||
    [folder, place.of("run")].some((root) => path === root || path.startsWith(`${root}/`));
  // Deno records "write" for every opened file, also if it is only read.
  const files = ["read", "write"].flatMap((kind) => asked(entries, kind)).filter((p) => !ours(p));
  // Workers are compared with the code on disk, which they cannot read themselves.
  const code = Array.from((await codeOnDisk()).keys(), (name) => ROOT + name);
  assertEquals(code.filter((path) => !files.includes(path)), []);
  // `auto` looks for traces of cards where the driver shows no GPU.
  const others = files.filter((path) => !code.includes(path) && !TRACES.includes(path));
  assertEquals(
    [...new Set(others)].sort(),
    [
      place.path,
      place.of("<TMP>"),
      place.of("text.txt"),
      SMOKE,
      // Whether the config imports from its folder or from the project.
      ROOT.slice(0, -1),
      ROOT + "configs",
      ROOT + "deno.json",
      ...[".git", "deno.json", "deno.jsonc", "package.json"].map((mark) =>
        `${ROOT}configs/${mark}`
      ),
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

Deno.test("a config reads what it imports from its project, and can do nothing else, under the flags of train", async () => {
  using place = new Place();
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  let met = 0;
  const listening = (async () => {
    for await (const connection of listener) {
      met++;
      connection.close();
    }
  })();
  const home = place.of("home");
  for (
    const name of [".ssh", "project/configs/.cache", "project/lib", "project/lib/.ssh", "other"]
  ) {
    Deno.mkdirSync(`${home}/${name}`, { recursive: true });
  }
  place.write("home/.ssh/id_rsa", "secret");
  place.write("home/other/notes.txt", "notes");
  place.write("home/project/package.json", "{}");
  place.write("home/project/.env", "TOKEN=secret");
  place.write("home/project/lib/base.ts", "export const base = { steps: 7 };");
  place.write("home/project/lib/lines.json", '["a", "b"]');
  place.write("home/project/lib/lines.txt", "a\nb\n");
  place.write("home/project/lib/.ssh/id.json", '"secret"');
  place.write("home/other/id.json", '"secret"');
  Deno.symlinkSync(place.of("home/other/id.json"), place.of("home/project/lib/out.json"));
  Deno.symlinkSync("../.env", place.of("home/project/lib/dot.json"));
  Deno.symlinkSync("../.env", place.of("home/project/lib/dot.txt"));

  const reads =
    "a config reads only modules and JSON that it imports from its project, and nothing hidden";
  const net = "a config reads nothing from the network";
  const json = JSON.stringify;
  /** A config's action before its export, and the expected error. */
  const cases: readonly (readonly [code: string, says: string])[] = [
    [`await fetch("http://127.0.0.1:${port}/?secret");`, `${net}: "127.0.0.1:${port}"`],
    [`await Deno.connect({ hostname: "127.0.0.1", port: ${port} });`, net],
    [`await Deno.connect({ hostname: "localhost", port: ${port} });`, net],
    [`await Deno.connect({ hostname: "::1", port: ${port} });`, net],
    ['await Deno.connect({ hostname: "2001:db8::1", port: 443 });', `${net}: "[2001:db8::1]:443"`],
    ['await fetch("http://[2001:db8::1]/");', net],
    ['await Deno.resolveDns("secret.example.com", "A");', net],
    ['await fetch("https://secret.example.com/");', net],
    ['Deno.listen({ hostname: "::", port: 0 });', net],
    [`await Deno.connect({ transport: "unix", path: ${json(place.of("s.sock"))} });`, "a config "],
    [`await import("https://example.com/" + "a.ts");`, "a config imports nothing from the network"],
    [`Deno.readTextFileSync(${json(`${home}/.ssh/id_rsa`)});`, reads],
    [`Deno.readTextFileSync(${json(`${home}/other/notes.txt`)});`, reads],
    ['Deno.readTextFileSync(import.meta.dirname + "/../.env");', reads],
    [`Array.from(Deno.readDirSync(${json(home)}));`, reads],
    ["Array.from(Deno.readDirSync(import.meta.dirname));", reads],
    ['Deno.readTextFileSync(import.meta.dirname + "/../lib/lines.txt");', reads],
    ['Deno.readTextFileSync(import.meta.dirname + "/../lib/.ssh/id.json");', reads],
    ['Deno.readTextFileSync(import.meta.dirname + "/../lib/dot.txt");', reads],
    ['import a from "../lib/lines.txt" with { type: "text" };a;', reads],
    ['import a from "../.env" with { type: "text" };a;', reads],
    ['import a from "../lib/dot.json" with { type: "text" };a;', reads],
    ['import a from "../lib/dot.json" with { type: "json" };a;', reads],
    ['import a from "../lib/out.json" with { type: "json" };a;', reads],
    ['import a from "../lib/.ssh/id.json" with { type: "json" };a;', reads],
    ['await import("../lib/.ssh/id.json", { with: { type: "json" } });', reads],
    ['await import("../../other/id.json", { with: { type: "json" } });', reads],
    ['Deno.readTextFileSync("/etc/passwd");', reads],
    ['Deno.readTextFileSync("/proc/self/environ");', reads],
    [`await import(${json(`${home}/.ssh/id_rsa`)} + "", { with: { type: "text" } });`, reads],
    ['Deno.symlinkSync("/etc/passwd", import.meta.dirname + "/link");', "a config writes no file"],
    ['Deno.writeTextFileSync(import.meta.dirname + "/stray", "a");', "a config writes no file"],
    [`Deno.writeTextFileSync(${json(place.of("stray"))}, "a");`, "a config writes no file"],
    ["Deno.makeTempDirSync();", "a config writes no file"],
    ['new Deno.Command("sh").outputSync();', 'a config starts no program: "sh"'],
    [
      'new Deno.Command(Deno.execPath(), { args: ["run", "-A", "x.ts"] }).outputSync();',
      "a config ",
    ],
    [
      'import { execSync } from "node:child_process"; execSync("true");',
      "a config ",
    ],
    ['Deno.kill(Deno.ppid, "SIGTERM");', "a config starts no program"],
    ['Deno.env.get("AWS_SECRET_ACCESS_KEY");', "a config reads no environment variable"],
    ["Deno.env.toObject();", "a config reads no environment variable"],
    ['import { userInfo } from "node:os"; userInfo();', "a config asks nothing of the system"],
    ['Deno.dlopen("libc.so.6", {});', "a config opens no library"],
  ];
  const paths = cases.map(([code], i) => {
    const name = `home/project/configs/${i}.ts`;
    const [, head = "", body = code] = /^(import [^;]*;)(.*)$/.exec(code) ?? [];
    place.write(name, `${head}\n${body}\nexport default { steps: 1 };\n`);
    return place.of(name);
  });
  const good = place.of("home/project/configs/good.ts");
  place.write(
    "home/project/configs/good.ts",
    'import { base } from "../lib/base.ts";\n' +
      'import lines from "../lib/lines.json" with { type: "json" };\n' +
      'const { base: same } = await import("../lib/base.ts");\n' +
      "export default { ...base, name: String(lines.length), seed: same.steps };\n",
  );
  const { stdout, stderr, code } = await new Deno.Command(Deno.execPath(), {
    args: [...taskOptions(""), `${ROOT}tests/faults/children/configs_child.ts`, good, ...paths],
    cwd: place.path,
    env: { AWS_SECRET_ACCESS_KEY: "secret", NO_COLOR: "1" },
  }).output();
  listener.close();
  await listening;
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  assertEquals([code, text(stderr)], [0, ""]);
  const ends = JSON.parse(text(stdout));
  assertEquals(ends[good], { steps: 7, name: "2", seed: 7 });
  for (const [i, [does, says]] of cases.entries()) {
    const line = ends[paths[i] as string];
    assertEquals(typeof line, "string", `${does} was done`);
    const loads = `Cannot load ${paths[i]}: need a file that loads: `;
    assert(line.startsWith(loads + says) && !line.includes("\n"), `${does}: ${line}`);
    assert(!line.includes("--allow"), line);
  }
  assertEquals(met, 0);
  assertEquals(
    Array.from(Deno.readDirSync(place.path), ({ name }) => name).includes("stray"),
    false,
  );
});
