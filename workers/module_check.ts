/**
 * Entry of the process that imports a module of the user once, to see whether it loads, with the
 * permission to read its files alone. Its last line is the result.
 */
import "../mod.ts";
import { CHECKED } from "../src/modules/check_module.ts";
import { importReason } from "../src/modules/import_module.ts";
import { watched } from "../src/modules/watched.ts";

if (import.meta.main) {
  await watched();
  const [path = "", timeout] = Deno.args;
  const reason = await importReason(path, Number(timeout));
  console.log("\n" + CHECKED + JSON.stringify({ reason }));
  Deno.exit(0);
}
