/** `./shoal` on machines that lack this or that: only the programs of a folder are there. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import packageJson from "../../package.json" with { type: "json" };
import { COMMANDS } from "../../src/cli/commands.ts";

const ROOT = new URL("../../", import.meta.url);
/** What of a checkout the launcher reads itself. */
const PARTS = ["shoal", "package.json", "src/cli/commands.ts"];
/** What every Debian has, as far as the launcher needs it. */
const SYSTEM = "awk cat dirname env grep head id mkdir mktemp readlink rm sed sh sleep tail";

/** Prints what it is called with; has an adapter once a driver is installed. */
const DENO = `#!/bin/sh
case "$1" in
  --version) echo "deno \${VERSION:-2.9.6} (stable)" ;;
  run)
    for word; do launcher=\${name:-} name=\${form:-} form=$word; done
    case "$launcher $form" in
      *"/launch.ts sh") echo "'started by' '$launcher' '$name'" ;;
      *) [ -e "$HERE/driver" ] || [ "\${DENO_WEBGPU_BACKEND:-vulkan}" = gl ] ;;
    esac ;;
  cache) sleep "\${SLOW:-0}" ;;
  task | "started by") printf '%s|' "$PWD" "$INIT_CWD" "$@"; exit "\${CODE:-0}" ;;
esac
`;
const NPX = `#!/bin/sh
echo "npx $*" >>"$HERE/said"
[ -z "\${OFFLINE:-}" ] && echo "$HERE/fetched/deno"
`;
const APT = `#!/bin/sh
echo "apt-get $*" >>"$HERE/said"
echo "noise of apt-get"
[ -z "\${OFFLINE:-}" ] || { echo "E: no network" >&2; exit 100; }
case "$*" in *mesa-vulkan-drivers) : >"$HERE/driver" ;; esac
`;
const ROOT_ID = `#!/bin/sh
echo "\${UID_:-0}"
`;

/** A machine that has some programs; the checkout lies in a folder with an odd name. */
class Machine implements Disposable {
  readonly path: string = Deno.makeTempDirSync({ prefix: "shoal-machine-" });
  readonly checkout = `${this.path}/my größe #1 50%`;

  constructor(programs: Readonly<Record<string, string>> = { deno: DENO, "apt-get": APT }) {
    for (const folder of ["bin", "fetched", "tmp", "elsewhere"]) this.#mkdir(folder);
    for (const folder of ["src/cli", "tests"]) {
      Deno.mkdirSync(`${this.checkout}/${folder}`, { recursive: true });
    }
    for (const part of PARTS) {
      Deno.copyFileSync(new URL(part, ROOT), `${this.checkout}/${part}`);
    }
    for (const name of SYSTEM.split(" ")) {
      const found = ["/usr/bin", "/bin"].map((folder) => `${folder}/${name}`).find(isThere);
      assert(found !== undefined, name);
      Deno.symlinkSync(found, `${this.path}/bin/${name}`);
    }
    const all = { id: ROOT_ID, ...programs, "../fetched/deno": DENO };
    for (const [name, script] of Object.entries(all)) {
      const path = `${this.path}/bin/${name}`;
      if (isThere(path)) Deno.removeSync(path);
      Deno.writeTextFileSync(path, script, { mode: 0o755 });
    }
  }

  #mkdir(name: string): void {
    Deno.mkdirSync(`${this.path}/${name}`);
  }

  /** Lets a driver be there, or not. */
  driver(there: boolean): this {
    if (there) Deno.writeTextFileSync(`${this.path}/driver`, "");
    return this;
  }

  /** What npx and apt-get were called with. */
  get said(): string[] {
    const path = `${this.path}/said`;
    return isThere(path) ? Deno.readTextFileSync(path).trimEnd().split("\n") : [];
  }

  /** Calls the launcher, from another folder unless told. */
  call(
    args: readonly string[],
    { env = {}, by = `${this.checkout}/shoal`, cwd = `${this.path}/elsewhere` }: {
      env?: Readonly<Record<string, string>>;
      by?: string;
      cwd?: string;
    } = {},
  ): { code: number; stdout: string; stderr: string } {
    const { code, stdout, stderr } = new Deno.Command(by, {
      args: [...args],
      cwd,
      clearEnv: true,
      env: {
        PATH: `${this.path}/bin`,
        HERE: this.path,
        HOME: this.path,
        TMPDIR: `${this.path}/tmp`,
        ...env,
      },
      stdin: "null",
    }).outputSync();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return { code, stdout: text(stdout), stderr: text(stderr) };
  }

  /** What Deno is called with for a command with these words, from `cwd`. */
  task(cwd: string, ...words: string[]): string {
    const runs = COMMANDS.find(({ name }) => name === words[0])?.runs;
    assert(runs !== undefined, words[0]);
    const start = "script" in runs
      ? ["task", "--quiet", "--config", `${this.checkout}/deno.json`]
      : ["started by", `${this.checkout}/src/cli/launch.ts`];
    return [cwd, cwd, ...start, ...words, ""].join("|");
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}

function isThere(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

Deno.test("./shoal lists all commands with a line each, however it is asked, on a machine without Deno", () => {
  using machine = new Machine({});
  const { code, stdout, stderr } = machine.call([]);
  assertEquals([code, stderr], [0, ""]);
  for (const word of ["help", "--help", "-h"]) assertEquals(machine.call([word]).stdout, stdout);
  const [usage, , ...lines] = stdout.trimEnd().split("\n");
  assertMatch(usage ?? "", /^Usage: \.\/shoal COMMAND/);
  assertEquals(lines.map((line) => line.trim().split(" ")[0]), COMMANDS.map(({ name }) => name));
  for (const line of lines) assertMatch(line, /^ {2}[\w:]+ +[A-Z].{10,}[^.]$/);
  assert(lines.every((line) => line.length < 80) && lines.length <= 30, "one screen");
});

Deno.test("./shoal ends as it does with a reader, whatever streams are closed", () => {
  using machine = new Machine();
  for (const args of ["help", "plan --help", "train a"]) {
    // What a command does without its reader is tested with the commands.
    const gone = args === "help" ? ["| true"] : [];
    for (const streams of ["", ">&-", "2>&-", "<&- >&- 2>&-", "2>/dev/full", ...gone]) {
      const line = `'${machine.checkout}/shoal' ${args} ${streams}`;
      const { code } = machine.call(["-o", "pipefail", "-c", line], { by: "/bin/bash" });
      assertEquals(code, 0, `./shoal ${args} ${streams}`);
    }
  }
});

Deno.test("./shoal that cannot print ends as its commands do, and tells it in one line", () => {
  using machine = new Machine({});
  for (const args of ["", "help", "check --help"]) {
    const line = `'${machine.checkout}/shoal' ${args} >/dev/full`;
    const { code, stderr } = machine.call(["-c", line], { by: "/bin/bash" });
    assertEquals(code, 72, args);
    assertMatch(stderr, /^error: Cannot write to stdout: need free space: .*\n$/);
  }
});

Deno.test("./shoal says its version without Deno, and in front of a -- for each command", () => {
  using machine = new Machine({});
  for (const words of [["--version"], ["train", "--version"], ["test", "--version"]]) {
    assertEquals(machine.call(words), {
      code: 0,
      stdout: `shoal ${packageJson.version}\n`,
      stderr: "",
    });
  }
  assertEquals(machine.call(["nonesuch", "--version"]).code, 64);
});

Deno.test("./shoal of an installed package knows the commands for users alone", () => {
  using machine = new Machine({});
  Deno.removeSync(`${machine.checkout}/tests`);
  const [, , ...lines] = machine.call([]).stdout.trimEnd().split("\n");
  const users = COMMANDS.filter(({ section }) => section !== "develop" && section !== "learn");
  assertEquals(lines.map((line) => line.trim().split(" ")[0]), users.map(({ name }) => name));
  assertEquals(machine.call(["test", "tests/cli"]).code, 64);
});

Deno.test("./shoal starts the Deno behind npm's script, which would pass no signal on", () => {
  using machine = new Machine({}).driver(true);
  const folder = `${machine.path}/node_modules/deno`;
  Deno.mkdirSync(folder, { recursive: true });
  Deno.writeTextFileSync(`${folder}/deno`, DENO, { mode: 0o755 });
  Deno.writeTextFileSync(`${folder}/bin.cjs`, "#!/bin/sh\nexit 1\n", { mode: 0o755 });
  Deno.symlinkSync(`${folder}/bin.cjs`, `${machine.path}/bin/deno`);
  const { code, stdout } = machine.call(["plan"]);
  assertEquals([code, stdout], [0, machine.task(`${machine.path}/elsewhere`, "plan")]);
});

Deno.test("./shoal lets no word begin a line of its own", () => {
  using machine = new Machine({});
  const { code, stderr } = machine.call(["x\nerror: fake\r\n\n"]);
  assertEquals([code, stderr], [
    64,
    "error: Unknown command x?error: fake???: ./shoal help lists the commands\n",
  ]);
});

Deno.test("./shoal tells in a line what checks and tests take, and starts nothing", () => {
  using machine = new Machine({});
  const list = machine.call([]).stdout;
  const takes: Readonly<Record<string, RegExp>> = {
    check: /^$/,
    ok: /^$/,
    "test:faults": /^ \[--filter=TEXT\], as deno test takes it$/,
  };
  // Every other command has a program of its own that answers.
  const others = COMMANDS.filter(({ runs }) =>
    "script" in runs && !runs.script.startsWith("deno run")
  );
  assertEquals(others.map(({ name }) => name).sort(), Object.keys(takes).sort());
  for (const [name, says] of Object.entries(takes)) {
    for (const words of [[name, "--help"], [name, "tests/cli", "-h"], ["help", name]]) {
      const { code, stdout, stderr } = machine.call(words);
      assertEquals([code, stderr], [0, ""]);
      const [, what = "none", about = ""] =
        /^Usage: \.\/shoal [\w:]+?(| .*): (.*)\n$/.exec(stdout) ??
          [];
      assertMatch(what, says, stdout);
      assertStringIncludes(list, about);
      assert(stdout.startsWith(`Usage: ./shoal ${name}`) && about.length > 10, stdout);
    }
  }
  using complete = new Machine().driver(true);
  const words = ["test", "--", "--help"];
  assertEquals(complete.call(words).stdout, complete.task(`${complete.path}/elsewhere`, ...words));
});

Deno.test("./shoal refuses a misspelt command, names the nearest and starts nothing", () => {
  using machine = new Machine();
  const nearest: Readonly<Record<string, string>> = {
    trian: "did you mean train? ",
    tets: "did you mean test? ",
    "bench:peer": "did you mean bench:peers? ",
    "-x": "",
    "a\\b": "",
    "no such thing": "",
  };
  for (const [word, guess] of Object.entries(nearest)) {
    const says = `error: Unknown command ${word}: ${guess}./shoal help lists the commands\n`;
    assertEquals(machine.call([word, "--x"]), { code: 64, stdout: "", stderr: says });
  }
  const { stderr } = machine.call(["größe\x1b[2J\x07\u009b5A\u202e\u2066\u2028 🐟"]);
  assertEquals(
    stderr,
    "error: Unknown command größe?[2J??5A??? 🐟: ./shoal help lists the commands\n",
  );
  assertEquals(machine.said, []);
});

Deno.test("./shoal passes words and exit codes on, in the caller's folder, from wherever it is called", () => {
  using machine = new Machine().driver(true);
  const words = ["train", "my text.txt", "--out=a b", "", "$HOME", "*"];
  const elsewhere = `${machine.path}/elsewhere`;
  const first = machine.call(words, { env: { INIT_CWD: "/", CODE: "7" } });
  assertEquals(first, { code: 7, stdout: machine.task(elsewhere, ...words), stderr: "" });
  const slow = machine.call(["plan"], { env: { SLOW: "1.5" } });
  assertEquals([slow.code, slow.stderr], [0, "shoal: Fetching packages from npm, once\n"]);
  const link = `${machine.path}/a link`;
  Deno.symlinkSync(`${machine.checkout}/shoal`, link);
  Deno.symlinkSync(link, `${machine.path}/bin/shoal`);
  for (const by of [link, `${machine.path}/bin/shoal`]) {
    assertEquals(machine.call(["doctor"], { by }).stdout, machine.task(elsewhere, "doctor"));
  }
  const { checkout: cwd } = machine;
  assertEquals(machine.call(["plan"], { by: "./shoal", cwd }).stdout, machine.task(cwd, "plan"));
  const help = machine.call(["help", "eval"]);
  assertEquals(help.stdout, machine.task(elsewhere, "eval", "--help"));
});

Deno.test("./shoal takes a Deno that is new enough, else npx's, fetched once, and says what is missing", () => {
  using machine = new Machine({ deno: DENO, npx: NPX }).driver(true);
  assertEquals(machine.call(["doctor"]).code, 0);
  assertEquals(machine.said, []);
  for (const VERSION of ["2.8.3", "1.46.0", "nonsense"]) {
    assertEquals(machine.call(["doctor"], { env: { VERSION } }).code, 0);
  }
  assertEquals(machine.said.length, 3);
  assertMatch(machine.said[0] ?? "", /^npx -y --loglevel=error deno@2\.\d+\.\d+ eval /);
  // What npx has fetched before is found without it.
  Deno.mkdirSync(`${machine.path}/.npm/_npx/0123/node_modules/deno`, { recursive: true });
  Deno.writeTextFileSync(
    `${machine.path}/.npm/_npx/0123/node_modules/deno/deno`,
    DENO.replace("${VERSION:-2.9.6}", "2.9.6"),
    { mode: 0o755 },
  );
  assertEquals(machine.call(["doctor"], { env: { VERSION: "1.46.0" } }).code, 0);
  assertEquals(machine.said.length, 3);

  using offline = new Machine({ npx: NPX });
  const failed = offline.call(["train"], { env: { OFFLINE: "1" } });
  assertEquals([failed.code, failed.stdout], [69, ""]);
  assertStringIncludes(failed.stderr, "error: Cannot fetch Deno: need npx -y deno@");
  using bare = new Machine({});
  const { code, stderr } = bare.call(["train"]);
  assertEquals(code, 69);
  assertMatch(stderr, /^error: Cannot run: need Deno 2\.9 or newer, or npx, on PATH[^\n]*\n$/);
});

Deno.test("./shoal installs a Vulkan driver where there is none, without the noise, and only for what asks for one", () => {
  using machine = new Machine();
  for (
    const words of [
      ["doctor"],
      ["train"],
      ["train", "--device=auto"],
      ["train", "--device", "reference"],
      ["eval", "x", "--device=cpu"],
      ["train", "--device=webgpu", "--help"],
      ["sweep", "x", "--device=webgpu", "--dry-run"],
    ]
  ) {
    assertEquals(machine.call(words).code, 0);
  }
  assertEquals(machine.said, []);
  const words = ["train", "--device=webgpu"];
  const { code, stdout, stderr } = machine.call(words);
  assertEquals([code, stdout], [0, machine.task(`${machine.path}/elsewhere`, ...words)]);
  assertMatch(stderr, /^shoal: No Vulkan driver found: installing mesa-vulkan-drivers[^\n]*\n$/);
  assertEquals(machine.said.map((line) => line.split(" ").at(-1)), ["-qq", "mesa-vulkan-drivers"]);
  assertEquals(machine.call(["generate", "x", "--device", "webgpu"]).stderr, "");
  assertEquals(machine.said.length, 2);
});

Deno.test("./shoal installs nothing for who asks for OpenGL, or may not install; the command then says what is missing", () => {
  const envs: Readonly<Record<string, string>>[] = [
    { DENO_WEBGPU_BACKEND: "gl" },
    { UID_: "1000" },
    { OFFLINE: "1" },
  ];
  for (const env of envs) {
    using machine = new Machine();
    const words = ["train", "--device=webgpu"];
    const { code, stdout, stderr } = machine.call(words, { env });
    assertEquals([code, stdout], [0, machine.task(`${machine.path}/elsewhere`, ...words)]);
    assertEquals(machine.said.some((line) => line.includes("mesa")), false);
    if (env["OFFLINE"]) assertMatch(stderr, /^shoal: Cannot install .*: E: no network$/m);
    else assertEquals(stderr, "");
  }
  using machine = new Machine();
  const { code, stderr } = machine.call(["test"], { env: { UID_: "1000" } });
  assertEquals(code, 0);
  assertMatch(stderr, /^shoal: No Vulkan driver works here \([^\n]+left out\n$/);
});
