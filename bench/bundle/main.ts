/**
 * Packs Deno, the packages and the code into one archive that needs no network: `run.sh` in it runs
 * kernel tests and benches and leaves one file of results. For machines in closed networks.
 */
import { basename, dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { UserError } from "../../src/base/user_error.ts";
import { sayText } from "../../src/base/text/say.ts";
import { runCommand } from "../../src/cli/command.ts";
import { flagsHelp } from "../../src/cli/flags.ts";
import { openScratch } from "../../src/cli/scratch.ts";
import { showBytes } from "../../src/report/format.ts";
import { BUNDLE, cacheEntries, isIdle, parseBundle, ROOTS } from "./parts.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
/** Bytes that an archive may have: what mail gateways and small leases let through. */
const LARGEST = 60e6;

async function bundle(args: readonly string[]): Promise<void> {
  const request = parseBundle(args);
  if (request === "help") return sayText(flagsHelp(BUNDLE));
  const { out, peers } = request;
  using work = openScratch(await Deno.makeTempDir({ prefix: "shoal-bundle-" }));
  const top = `${work.path}/shoal`;
  await Deno.mkdir(`${top}/bin`, { recursive: true });
  await copyCode(top);
  await Deno.copyFile(Deno.execPath(), `${top}/bin/deno`);
  await copyLoader(`${top}/lib`);
  await fillCache(top, { peers });
  await Deno.copyFile(`${ROOT}bench/bundle/run.sh`, `${top}/run.sh`);
  await Deno.chmod(`${top}/run.sh`, 0o755);
  await run("tar", ["-C", work.path, "--use-compress-program=xz -6 -T0", "-cf", out, "shoal"]);
  const { size } = await Deno.stat(out);
  if (size > LARGEST) {
    throw new UserError(
      "tooLarge",
      `Cannot use ${out}: need at most ${showBytes(LARGEST)}: it has ${showBytes(size)}`,
    );
  }
  sayText(`${out}: ${showBytes(size)}\nThere: tar -xf ${basename(out)} && shoal/run.sh`);
}

/** The code as it is committed or about to be: what is ignored stays behind. */
async function copyCode(top: string): Promise<void> {
  const listed = await run("git", ["-C", ROOT, "ls-files", "-z", "-co", "--exclude-standard"]);
  const files = listed.split("\0").filter((path) => path !== "");
  for (const path of files) {
    await Deno.mkdir(dirname(`${top}/${path}`), { recursive: true });
    await Deno.copyFile(ROOT + path, `${top}/${path}`);
  }
}

/** The Vulkan loader, which a bare machine with a driver may lack. */
async function copyLoader(lib: string): Promise<void> {
  const listed = await run("ldconfig", ["-p"]).catch(() => "");
  const path = /libvulkan\.so\.1 .*x86-64.*=> (\S+)/.exec(listed)?.[1];
  if (path === undefined) return;
  await Deno.mkdir(lib);
  await Deno.copyFile(path, `${lib}/libvulkan.so.1`);
}

/** A cache of its own, filled by what is run there and nothing else. */
async function fillCache(top: string, { peers }: { peers: boolean }): Promise<void> {
  const env = { DENO_DIR: `${top}/cache` };
  await run(Deno.execPath(), ["cache", "--quiet", ...ROOTS], { cwd: top, env });
  if (peers) {
    const scripts = await Array.fromAsync(Deno.readDir(`${top}/bench/peers`));
    const names = scripts.map(({ name }) => name).filter((name) => name.endsWith(".ts"));
    await run(Deno.execPath(), ["cache", "--quiet", ...names], { cwd: `${top}/bench/peers`, env });
  }
  await dropIdle(`${top}/cache/npm`);
  for (const { name } of Deno.readDirSync(`${top}/cache`)) {
    if (!cacheEntries.includes(name)) {
      await Deno.remove(`${top}/cache/${name}`, { recursive: true });
    }
  }
}

/** Removes what packages bring and nothing here reads. */
async function dropIdle(folder: string): Promise<void> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) await dropIdle(path);
    else if (isIdle(name)) await Deno.remove(path);
  }
}

async function run(
  command: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: Record<string, string> } = {},
): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, {
    ...options,
    args: [...args],
  })
    .output();
  const [said, errors] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  if (success) return said as string;
  throw new UserError(
    "config",
    `Cannot bundle: ${command} failed: ${errors?.trim().split("\n").at(-1) ?? "it said nothing"}`,
  );
}

if (import.meta.main) await runCommand(() => bundle(Deno.args));
