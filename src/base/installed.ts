/** Where this code lies: in a checkout, or as a package that npm has installed. */
import { fileURLToPath } from "node:url";

/**
 * The folder of the package. npm's package has the library as one file, `dist/mod.js`, and all modules
 * beside it: child processes run those.
 */
const ROOT = new URL(import.meta.url.endsWith("/dist/mod.js") ? "../" : "../../", import.meta.url);

/** The URL of a file of the package, by its path from the package's folder. */
export function packageUrl(path: string): URL {
  return new URL(path, ROOT);
}

/** Whether this code lies in a folder of npm's. */
export const IS_INSTALLED: boolean = ROOT.href.includes("/node_modules/");

/**
 * Folders that a process must be allowed to read to load our code: within `node_modules` Deno asks for
 * this permission where a module imports a file as text, as kernels do with their shaders.
 */
export const READ_BY_IMPORTS: readonly string[] = IS_INSTALLED
  ? ["kernels", "src/models"].map((path) => fileURLToPath(packageUrl(path)))
  : [];

/** Names our config file, with its lock and its packages: within `node_modules` Deno looks for none. */
export const CONFIG: string = `--config=${fileURLToPath(packageUrl("deno.json"))}`;
