/** The permissions of the commands, as flags of Deno. */
import { DRIVER_VARIABLES } from "../../workers/launch/variables.ts";

/** What the processes of one kind of command may do. */
export interface PermissionSet {
  /** All files: which ones a command needs follows from its arguments. */
  readonly read: true;
  readonly write?: true;
  /** Unix sockets alone: addresses of IPv4 and IPv6 are denied. */
  readonly sockets?: true;
  readonly sys?: readonly string[];
  /** Environment variables; `true` is all of them. */
  readonly env: readonly string[] | true;
  /** `"deno"`: this Deno and nvidia-smi; `true`: any program. */
  readonly run?: "deno" | true;
}

/** The folder from which `deno task` was called: relative paths belong to it. */
const CALLER = "INIT_CWD";
/** Variables of commands that start workers. */
const COMPUTES = [CALLER, ...DRIVER_VARIABLES, "CUDA_VISIBLE_DEVICES"];

/** The sets, by name. */
export const PERMISSIONS = {
  train: {
    read: true,
    write: true,
    sockets: true,
    sys: ["hostname", "statfs"],
    env: COMPUTES,
    run: "deno",
  },
  sweep: {
    read: true,
    write: true,
    sys: ["hostname", "statfs", "systemMemoryInfo"],
    env: COMPUTES,
    run: "deno",
  },
  doctor: {
    read: true,
    write: true,
    sockets: true,
    sys: ["hostname", "statfs", "systemMemoryInfo"],
    env: COMPUTES,
    run: "deno",
  },
  plan: { read: true, sys: ["systemMemoryInfo"], env: COMPUTES, run: "deno" },
  profile: {
    read: true,
    write: true,
    env: [CALLER, "HOME", "DENO_DIR", "XDG_CACHE_HOME", "DENO_WEBGPU_BACKEND"],
    run: "deno",
  },
  generate: { read: true, env: [CALLER, "DENO_WEBGPU_BACKEND"] },
  pages: { read: true, write: true, env: [CALLER, "DENO_WEBGPU_BACKEND"] },
  files: { read: true, write: true, env: [CALLER] },
  models: { read: true, write: true, sys: ["statfs"], env: [CALLER] },
  workers: { read: true, write: true, sockets: true, env: [CALLER] },
  example: { read: true, env: [CALLER], run: true },
  bundle: { read: true, write: true, env: [CALLER, "TMPDIR"], run: true },
  fuzz: { read: true, env: true },
} as const satisfies Record<string, PermissionSet>;

/** The name of a set. */
export type PermissionName = keyof typeof PERMISSIONS;

/** Where a command is started. */
export interface Machine {
  /** Path of the running Deno. */
  readonly deno: string;
  /** Value of LD_LIBRARY_PATH. */
  readonly libraryPath: string | undefined;
}

/** A set as flags of `deno run`. */
export function permissionFlags(name: PermissionName, machine: Machine): string[] {
  const { read, write, sockets, sys, env, run }: PermissionSet = PERMISSIONS[name];
  return [
    ...read ? ["--allow-read"] : [],
    ...write ? ["--allow-write"] : [],
    ...sockets ? ["--allow-net", "--deny-net=0.0.0.0/0,[::],[::1]"] : [],
    ...sys ? [`--allow-sys=${sys.join()}`] : [],
    env === true ? "--allow-env" : `--allow-env=${env.join()}`,
    ...run === undefined ? [] : [run === true ? "--allow-run" : allowRun(machine)],
  ];
}

/** The flag with which a command may start this Deno and nvidia-smi. */
export function allowRun({ deno, libraryPath }: Machine): string {
  // Deno passes LD_LIBRARY_PATH on to programs only under the unrestricted permission.
  if (libraryPath !== undefined && libraryPath !== "") return "--allow-run";
  // Deno splits the list at commas and has no way to escape one.
  return deno.includes(",") ? "--allow-run" : `--allow-run=${deno},nvidia-smi`;
}
