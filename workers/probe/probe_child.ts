/**
 * Entry of one of the processes whose step times are measured at the same time. It reads a request
 * from stdin, prints `warm` when it is ready, starts at the next line, and prints its times. If stdin
 * ends instead, it exits.
 */
import { openDeviceOf } from "../../src/device/open.ts";
import { openRunStart } from "../../src/artifacts/run_start.ts";
import { withUserModules } from "../../src/config/user/user_modules.ts";
import { lineReader } from "../launch/lines.ts";
import { warmProbe } from "../../src/engine/probe.ts";
import type { ProbeRequest } from "./probe_together.ts";

async function main(): Promise<void> {
  const next = lineReader(Deno.stdin.readable);
  const { config, steps, workers, backend, pairs }: ProbeRequest = JSON.parse(
    await next() ?? "null",
  );
  const device = await openDeviceOf(config.device.kind, {
    backend,
    pairs,
    runtime: Deno.version.deno,
  });
  await withUserModules(config);
  const { data: { corpus } } = await openRunStart(config);
  const warm = await warmProbe(device, { config, corpus, steps, workers });
  console.log("warm");
  if (await next() !== undefined) console.log(JSON.stringify(await warm.time()));
  Deno.exit(0);
}

if (import.meta.main) await main();
