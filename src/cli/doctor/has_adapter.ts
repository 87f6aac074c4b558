/**
 * Entry by which `./shoal` asks whether a run gets an adapter: ends with 0 where it does, else with
 * the line and the exit code of that run. It loads no package: those may not be fetched yet.
 */
import { openAdapter } from "../../device/adapter.ts";
import { runCommand } from "../command.ts";

async function hasAdapter(): Promise<void> {
  const { device } = await openAdapter();
  device.destroy();
}

if (import.meta.main) await runCommand(hasAdapter);
