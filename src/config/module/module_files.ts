/** Which files a config's module imports, as Deno sees them without running it. */
import { dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { CONFIG } from "../../base/installed.ts";
import { parseJsonText } from "../../base/text/json.ts";

/** The checkout: its configs and kernels may be imported. */
const CHECKOUT = resolve(fileURLToPath(new URL("../../../", import.meta.url)));
/** What lies at the top of a project. */
const MARKS = ["deno.json", "deno.jsonc", "package.json", ".git"];
/** Endings of code and of JSON; of what else lies in a project a config has no use. */
const CODE = /\.(?:[cm]?[jt]s|[jt]sx|json)$/;
/** Kinds of a module that is code or JSON, and not text or bytes of any file. */
const KINDS = ["esm", "asserted"];

/** What Deno says of a module. */
interface Module {
  readonly specifier: string;
  readonly kind?: string;
  readonly error?: string;
  readonly dependencies?: readonly { readonly code?: { readonly specifier?: string } }[];
}

/**
 * The config at an absolute path and what it imports, by static imports and by dynamic ones of a
 * literal: code and JSON of its folder, its project and the checkout, nothing hidden there, wherever
 * links lead.
 */
export async function filesOf(
  path: string,
  { env, patience }: { readonly env: Record<string, string>; readonly patience: number },
): Promise<string[]> {
  const own = [dirname(path), dirname(real(path))];
  const folders = [...new Set([...own, ...own.flatMap(projectOf), CHECKOUT].map(real))];
  const root = pathToFileURL(path).href;
  const modules = await modulesOf(root, { env, patience });
  const found = new Set([root]);
  const paths = new Set([path, real(path)]);
  for (const url of found) {
    const module = modules.get(url);
    if (module === undefined || !url.startsWith("file:")) continue;
    // Who imports what is missing or no code is told so by the import itself.
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

/** The path in a URL; none where it has a host or a slash within a name. */
function pathOf(url: string): string | undefined {
  try {
    return fileURLToPath(url);
  } catch {
    return undefined; // Who imports it says why.
  }
}

/**
 * The modules below the one at a URL, by URL; none where Deno cannot say. Of a path Deno would take what
 * is behind a # for a fragment.
 */
async function modulesOf(
  root: string,
  { env, patience }: { readonly env: Record<string, string>; readonly patience: number },
): Promise<Map<string, Module>> {
  const deno = Deno.execPath();
  const list = fileURLToPath(new URL("./module_list_child.ts", import.meta.url));
  const child = new Deno.Command(deno, {
    // Packages are read by Deno itself, without a permission of the config.
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
      .concat(deno, String(patience), "info", "--quiet", "--json", "--no-remote", "--no-npm")
      .concat("--frozen", CONFIG, root),
    clearEnv: true,
    env,
    // Nothing is written: the stream ends with this process, and the listing ends with the stream.
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
    return new Map(); // Whoever evaluates the config says why.
  }
}

/** The nearest folder above that is the top of a project; none where there is no such mark. */
function projectOf(folder: string): string[] {
  for (let at = folder; at !== dirname(at); at = dirname(at)) {
    if (MARKS.some((mark) => exists(join(at, mark)))) return [at];
  }
  return [];
}

/** Whether a path lies in a folder, and neither it nor a folder between is hidden. */
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
