/**
 * Entry of a worker process of a run with modules of the user: they import `shoal`, whose modules are
 * loaded here, because a worker may not read source files later.
 */
import "../mod.ts";
import { runWorker } from "./worker.ts";

if (import.meta.main) await runWorker();
