/** What a result was measured on. Everything here is a best effort: what is not known says so. */
import { isSoftware } from "../src/device/adapter.ts";

/** Hardware and software of a measurement. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly driver: string;
  readonly deno: string;
  readonly commit: string;
  /** yyyy-mm-dd */
  readonly date: string;
}

const UNKNOWN = "unknown";

/** Looks around. */
export async function lookAround(): Promise<Machine> {
  const info = await text(() => Deno.readTextFile("/proc/cpuinfo"));
  return {
    cpu: /^model name\s*: (.+)$/m.exec(info)?.[1]?.trim() ?? UNKNOWN,
    cores: navigator.hardwareConcurrency,
    driver: await driver(),
    deno: Deno.version.deno,
    commit: await commit(),
    date: new Date().toISOString().slice(0, 10),
  };
}

/** Words for a file's name: `lavapipe_epyc2`, `nvidia_h200`. */
export function slugOf({ cpu, cores }: Machine, adapter: string | undefined): string {
  const known = /epyc|xeon|ryzen|threadripper|neoverse|core|apple/i.exec(cpu)?.[0];
  const host = `${words(known ?? cpu)}${cores}`;
  if (adapter === undefined) return host;
  if (isSoftware(adapter)) {
    return `${/swiftshader/i.test(adapter) ? "swiftshader" : "lavapipe"}_${host}`;
  }
  return words(adapter);
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

async function driver(): Promise<string> {
  const nvidia = await text(() => Deno.readTextFile("/proc/driver/nvidia/version"));
  const version = /Kernel Module\s.*?(\d[\d.]+)/.exec(nvidia)?.[1];
  if (version !== undefined) return `NVIDIA ${version}`;
  const mesa = await output("dpkg-query", ["-W", "-f=${Version}", "mesa-vulkan-drivers"]);
  return mesa === "" ? UNKNOWN : `Mesa ${mesa}`;
}

/** What a program prints, or nothing where it cannot run. */
function output(program: string, args: string[]): Promise<string> {
  return text(async () => {
    const cwd = new URL("..", import.meta.url);
    const { success, stdout } = await new Deno.Command(program, { args, cwd, stderr: "null" })
      .output();
    return success ? new TextDecoder().decode(stdout).trim() : "";
  });
}

/** What `read` gives, or nothing when it fails. */
async function text(read: () => Promise<string>): Promise<string> {
  try {
    return await read();
  } catch {
    return "";
  }
}
