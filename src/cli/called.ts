/** How people call the commands: as tasks of a checkout, or by the installed package. */
import { IS_INSTALLED } from "../base/installed.ts";

/** A text that names commands as `deno task NAME`, as its reader calls them. */
export function asCalled(text: string, installed: boolean = IS_INSTALLED): string {
  return installed ? text.replaceAll(/\bdeno task (?=[a-z])/g, "npx shoal ") : text;
}
