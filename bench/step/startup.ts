/**
 * Time from the start of a process to its first finished step, with a cold and a warm shader cache
 * of the driver. Each start is a new process.
 */
import { fileURLToPath } from "node:url";
import { isSoftware } from "../../src/device/adapter.ts";
import { adapterHere } from "../machine.ts";
import type { Report } from "../report.ts";
import { stepConfigs } from "./step_configs.ts";
import { fixed } from "../table.ts";
import type { Filter } from "../filter.ts";
import { median, secondsOf } from "../time.ts";

/** Number of starts with a warm shader cache. */
const WARM = 3;

/** Stages of a start in seconds, in order. */
interface Start {
  readonly modules: number;
  readonly text: number;
  readonly opened: number;
  readonly loaded: number;
  readonly first: number;
  readonly second: number;
  /** Lifetime of the process, without the second step. */
  readonly whole: number;
}

/** Times starts of each config whose name contains `filter`. */
export async function benchStartup({ filter, doing }: Filter): Promise<Report> {
  const adapter = await adapterHere();
  const rows: string[][] = [];
  for (const { name } of stepConfigs()) {
    if (!name.includes(filter)) continue;
    doing?.(name);
    const cache = await Deno.makeTempDir({ prefix: "shoal-bench-cache-" });
    try {
      const cold = await startOf(name, cache);
      rows.push(rowOf(`${name}, empty cache`, [cold]));
      const warm: Start[] = [];
      for (let i = 0; i < WARM; i++) warm.push(await startOf(name, cache));
      rows.push(rowOf(`${name}, kernels known`, warm));
    } finally {
      await Deno.remove(cache, { recursive: true });
    }
  }
  return {
    what: "startup",
    adapter,
    sections: [{
      title: "From a process's start to its first step: milliseconds",
      table: [
        ["config", "all", "modules", "text", "device", "plans, kernels", "first step", "second"],
        ...rows,
      ],
      notes: [
        `Medians of ${WARM} starts where kernels are known; "all" ends with the first step and has ` +
        "what Deno takes to start and to end",
        ...isSoftware(adapter) ? ["This driver compiles a kernel when it first runs"] : [],
      ],
    }],
  };
}

function rowOf(name: string, starts: readonly Start[]): string[] {
  const ms = (stage: keyof Start) => fixed(1e3 * median(starts.map((start) => start[stage])));
  const stages = ["whole", "modules", "text", "opened", "loaded", "first", "second"] as const;
  return [name, ...stages.map(ms)];
}

/** One start, with the driver's shader cache in `cache`. @throws {Error} when it fails. */
async function startOf(name: string, cache: string): Promise<Start> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--quiet", "--no-prompt", "--allow-read", "--allow-env", "--allow-sys"],
      fileURLToPath(new URL("./startup_child.ts", import.meta.url)),
      name,
    ],
    env: { MESA_SHADER_CACHE_DIR: cache, __GL_SHADER_DISK_CACHE_PATH: cache },
    stdout: "piped",
    stderr: "piped",
  });
  let said = "";
  const seconds = await secondsOf(async () => {
    const { success, stdout, stderr } = await child.output();
    const [out, errors] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    if (!success) throw new Error(`Cannot start ${name}: ${errors?.trim().split("\n").at(-1)}`);
    said = out ?? "";
  });
  const stages = JSON.parse(said.slice(said.indexOf("{")));
  return { ...stages, whole: seconds - stages.second };
}
