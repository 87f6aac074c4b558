/** Lists the files that a config module imports, by `deno info`, without running the module. */
import { dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { CONFIG, packageUrl } from "../../base/installed.ts";
import { parseJsonText } from "../../base/text/json.ts";

/** Shoal's own folder: its configs and kernels may be imported. */
const CHECKOUT = resolve(fileURLToPath(packageUrl("./")));
/** Names that mark the top folder of a project. */
const PROJECT_MARKERS = ["deno.json", "deno.jsonc", "package.json", ".git"];
/** File extensions of code and JSON: a config may read no other files of a project. */
const CODE = /\.(?:[cm]?[jt]s|[jt]sx|json)$/;
/** Module kinds of code and JSON in `deno info`; other kinds import a file as text or bytes. */
const KINDS = ["esm", "asserted"];

/** A module in the output of `deno info --json`. */
interface Module {
  readonly specifier: string;
  readonly kind?: string;
  readonly error?: string;
  readonly dependencies?: readonly { readonly code?: { readonly specifier?: string } }[];
}

/**
 * The config at an absolute path and its imports, static ones and dynamic ones with a literal
 * specifier. Only code and JSON in its folder, its project or Shoal's folder, and no hidden files;
 * the target of a symbolic link must satisfy the same.
 */
export async function filesOf(
  path: string,
  { env, timeout }: { readonly env: Record<string, string>; readonly timeout: number },
): Promise<string[]> {
  const own = [dirname(path), dirname(real(path))];
  const folders = [...new Set([...own, ...own.flatMap(projectOf), CHECKOUT].map(real))];
  const root = pathToFileURL(path).href;
  const modules = await modulesOf(root, { env, timeout });
  const found = new Set([root]);
  const paths = new Set([path, real(path)]);
  for (const url of found) {
    const module = modules.get(url);
    if (module === undefined || !url.startsWith("file:")) continue;
    // A missing file or one that is no code fails with a clear error at its import.
    if (module.error === undefined && !KINDS.includes(String(module.kind))) continue;
    for (const { code } of module.dependencies ?? []) {
      if (code?.specifier !== undefined) found.add(code.specifier);
    }
    if (url === root) continue;
    const file = pathOf(url);
    if (file === undefined) continue;
    const end = real(file);
    if (CODE.test(end) && folders.some((folder) => isPlainBelow(end, folder))) {
      paths.add(file).add(end);
    }
  }
  return [...paths];
}

/** The path of a file URL; undefined if it has a host or an encoded slash. */
function pathOf(url: string): string | undefined {
  try {
    return fileURLToPath(url);
  } catch {
    return undefined; // The import fails with the reason.
  }
}

/**
 * The modules that the one at a URL depends on, by URL; empty if `deno info` fails. Takes a URL
 * because Deno parses a # in a path as the start of a fragment.
 */
async function modulesOf(
  root: string,
  { env, timeout }: { readonly env: Record<string, string>; readonly timeout: number },
): Promise<Map<string, Module>> {
  const deno = Deno.execPath();
  const list = fileURLToPath(packageUrl("src/config/module/module_list_child.ts"));
  const child = new Deno.Command(deno, {
    // Deno reads packages itself; the config needs no permission for them.
    args: [
      "run",
      "--quiet",
      "--no-prompt",
      "--no-remote",
      "--frozen",
      CONFIG,
      `--allow-run=${deno}`,
      list,
    ]
      .concat(deno, String(timeout), "info", "--quiet", "--json", "--no-remote", "--no-npm")
      .concat("--frozen", CONFIG, root),
    clearEnv: true,
    env,
    // Never written to: it closes when this process ends, and the listing stops when it closes.
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const [text] = await Promise.all([new Response(child.stdout).text(), child.status]);
  await child.stdin.close().catch(() => {});
  try {
    const { modules } = parseJsonText(text) as { modules: Module[] };
    return new Map(modules.map((module) => [module.specifier, module]));
  } catch {
    return new Map(); // The evaluation of the config reports the reason.
  }
}

/** The nearest folder at or above `folder` that has a project marker; empty if there is none. */
function projectOf(folder: string): string[] {
  for (let at = folder; at !== dirname(at); at = dirname(at)) {
    if (PROJECT_MARKERS.some((name) => exists(join(at, name)))) return [at];
  }
  return [];
}

/** Whether a path is below a folder, and no part of the relative path is hidden. */
function isPlainBelow(path: string, folder: string): boolean {
  return !relative(folder, path).split(sep).some((name) => name === "" || name.startsWith("."));
}

function real(path: string): string {
  try {
    return Deno.realPathSync(path);
  } catch {
    return path;
  }
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}
