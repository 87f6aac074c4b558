/** Says whether memory of a MiB to share could be made under the limits of this process. */
import { outliveFileLimit } from "../../../src/terminal/signals.ts";
import { openLibc } from "../../../src/transport/libc.ts";

outliveFileLimit();
const file = openLibc()?.createFile(2 ** 20);
console.log(file === undefined ? "refused" : "made");
Deno.exit(); // at the end of the event loop the signal of the limit would end the process
