/**
 * The command `train` on a leash: it stops, as by SIGTERM, when its stdin ends. So whoever started
 * it can tell it to, and it does not live on when that process is killed. Not for people.
 */
import { runCommand } from "../command.ts";
import { trainCommand } from "./train.ts";

/** Aborted when stdin ends. */
function leash(): AbortSignal {
  const controller = new AbortController();
  const hold = async () => {
    for await (const _ of Deno.stdin.readable);
  };
  hold().catch(() => {}).finally(() => controller.abort());
  return controller.signal;
}

if (import.meta.main) await runCommand(() => trainCommand(Deno.args, leash()));
