/** What a result was measured on. Everything here is a best effort: what is not known says so. */
import { cpus } from "node:os";
import { isSoftware } from "../src/device/adapter.ts";
import { adapterName, cardIn, selectBackend } from "../src/device/backend.ts";

/** Hardware and software of a measurement. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  /** Undefined where no adapter was used. */
  readonly driver: string | undefined;
  readonly deno: string;
  readonly commit: string;
  /** yyyy-mm-dd */
  readonly date: string;
}

const UNKNOWN = "unknown";

/** The adapter of this process, as `openWebGpu` names it. */
export async function adapterHere(): Promise<string> {
  const backend = selectBackend();
  const info = (await navigator.gpu?.requestAdapter())?.info;
  return info === undefined ? "no adapter" : adapterName(info, backend);
}

/** Looks around; `adapter` is the one that was measured, if any. */
export async function lookAround(adapter: string | undefined): Promise<Machine> {
  return {
    cpu: cpus()[0]?.model.trim() || UNKNOWN,
    cores: navigator.hardwareConcurrency,
    driver: adapter === undefined || isCpuDevice(adapter) ? undefined : await driverOf(adapter),
    deno: Deno.version.deno,
    commit: await commit(),
    date: new Date().toISOString().slice(0, 10),
  };
}

/** Whether what was measured is the CPU device, by its name in results: `cpu (256 bits at a time)`. */
export function isCpuDevice(adapter: string): boolean {
  return /^cpu\b/.test(adapter);
}

/** Words for a file's name: `lavapipe_epyc2`, `cpu_epyc2`, `nvidia_h200`. */
export function slugOf({ cpu, cores }: Machine, adapter: string | undefined): string {
  const known = /epyc|xeon|ryzen|threadripper|neoverse|core|apple/i.exec(cpu)?.[0];
  const host = `${words(known ?? cpu)}${cores}`;
  if (adapter === undefined) return host;
  if (isCpuDevice(adapter)) return `cpu_${host}`;
  if (isSoftware(adapter)) {
    return `${/swiftshader/i.test(adapter) ? "swiftshader" : "lavapipe"}_${host}`;
  }
  return words(cardIn(adapter));
}

function words(name: string): string {
  return name.toLowerCase().replaceAll(/\(.*?\)/g, "").match(/[a-z0-9]+/g)?.join("_") ?? UNKNOWN;
}

/** The commit, marked when the working tree differs from it. */
async function commit(): Promise<string> {
  const name = await output("git", ["rev-parse", "--short", "HEAD"]);
  if (name === "") return UNKNOWN;
  const changes = await output("git", ["status", "--porcelain", "--untracked-files=no"]);
  return changes === "" ? name : `${name} with changes`;
}

/** The kernel module of a card, or the package of a software driver. */
async function driverOf(adapter: string): Promise<string> {
  if (!isSoftware(adapter)) {
    const query = ["--query-gpu=driver_version", "--format=csv,noheader"];
    const version = (await output("nvidia-smi", query)).split("\n")[0] ?? "";
    if (version !== "") return `NVIDIA ${version}`;
  }
  const mesa = await output("dpkg-query", ["-W", "-f=${Version}", "mesa-vulkan-drivers"]);
  return mesa === "" ? UNKNOWN : `Mesa ${mesa}`;
}

/** What a program prints, or nothing where it cannot run. */
async function output(program: string, args: string[]): Promise<string> {
  const cwd = new URL("..", import.meta.url);
  try {
    const { success, stdout } = await new Deno.Command(program, { args, cwd, stderr: "null" })
      .output();
    return success ? new TextDecoder().decode(stdout).trim() : "";
  } catch {
    return "";
  }
}
