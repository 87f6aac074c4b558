/**
 * Entry of a process that is one of the workers whose pace is measured side by side. It reads a
 * request from stdin, says when it is warm, begins when the next line comes, and prints what it
 * measured. Without that line it ends: nobody waits for the numbers any more.
 */
import { openReference } from "../../src/device/reference.ts";
import { openWebGpu } from "../../src/device/webgpu.ts";
import { openRunStart } from "../../src/artifacts/run_start.ts";
import { lineReader } from "../launch/lines.ts";
import { warmProbe } from "../../src/engine/probe.ts";
import type { ProbeRequest } from "./probe_together.ts";

async function main(): Promise<void> {
  const next = lineReader(Deno.stdin.readable);
  const { config, steps, workers, backend }: ProbeRequest = JSON.parse(await next() ?? "null");
  const device = config.device === "reference"
    ? openReference()
    : await openWebGpu({ runtime: Deno.version.deno, backend });
  const { data: { corpus } } = await openRunStart(config);
  const warm = await warmProbe(device, { config, corpus, steps, workers });
  console.log("warm");
  if (await next() !== undefined) console.log(JSON.stringify(await warm.time()));
  Deno.exit(0);
}

if (import.meta.main) await main();
