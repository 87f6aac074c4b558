/** How each side of the comparison is started. */
import { fileURLToPath } from "node:url";
import type { Contestant } from "./compare.ts";

const OURS = fileURLToPath(new URL("../ours/", import.meta.url));
const PEERS = fileURLToPath(new URL("../peers/", import.meta.url));

/** Permissions of a side: it reads its task, packages and settings of drivers. */
const ALLOWED = ["--quiet", "--no-prompt", "--allow-read", "--allow-env", "--allow-sys"];

/** A device of the comparison. */
export type SidesDevice = "cpu" | "webgpu";

/** Options of {@linkcode scriptSides}. */
export interface ScriptSides {
  readonly device: SidesDevice;
  /** Folder for the socket of our workers. */
  readonly folder: string;
  /** Whether each of our workers is held on a core of its own. */
  readonly pin: boolean;
}

/** Ours and the peers in JavaScript. */
export function scriptSides({ device, folder, pin }: ScriptSides): Contestant[] {
  const deno = (id: string, family: Contestant["family"], args: readonly string[]): Contestant => ({
    id,
    family,
    narrow: false,
    start: { command: Deno.execPath(), args: ["run", ...ALLOWED, ...args] },
  });
  const [family, backend] = device === "cpu"
    ? ["wasm", "wasm"] as const
    : ["webgpu", "webgpu"] as const;
  const peer = (id: string, file: string) =>
    deno(id, family, ["--config", `${PEERS}deno.json`, PEERS + file, backend]);
  const ours = device === "cpu"
    ? deno("Shoal", "ours", ["--allow-run", `${OURS}cpu.ts`, folder, ...pin ? ["pin"] : []])
    : deno("Shoal", "ours", [`${OURS}webgpu.ts`]);
  return [ours, peer("jax-js", "jax.ts"), peer("tfjs", "tfjs.ts")];
}

/** Where PyTorch computes, and the vectors that it takes on a CPU: `AVX512`, `AVX2`, ... */
export interface TorchHere {
  readonly device: "cuda" | "cpu";
  readonly vectors: string;
}

const ASK = `import json, torch
cpu = getattr(torch.backends.cpu, "get_cpu_capability", lambda: "unknown")
print(json.dumps({"device": "cuda" if torch.cuda.is_available() else "cpu", "vectors": cpu()}))`;

/** What `python` says when PyTorch is asked for: where it computes, or why it cannot. */
export async function torchHere(
  python: string,
): Promise<TorchHere | { readonly reason: string }> {
  try {
    const { success, stdout, stderr } = await new Deno.Command(python, { args: ["-c", ASK] })
      .output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
    if (success) return JSON.parse(text(stdout));
    return { reason: text(stderr).split("\n").at(-1) || "it ended without a word" };
  } catch (error) {
    return { reason: error instanceof Error ? error.message : String(error) };
  }
}

/** Settings that hold PyTorch and its libraries to AVX2. */
const AVX2 = {
  ATEN_CPU_CAPABILITY: "avx2",
  ONEDNN_MAX_CPU_ISA: "AVX2",
  MKL_ENABLE_INSTRUCTIONS: "AVX2",
} as const;

/** Holds each of the two threads of PyTorch on a core of its own. */
const PINNED = { GOMP_CPU_AFFINITY: "0 1" } as const;

/**
 * PyTorch in its variants: two threads of a CPU, also held to AVX2 where it takes AVX-512, or the
 * same GPU in f32, TF32 and bf16.
 */
export function torchSides(
  python: string,
  { device, vectors, compiled, pin }: TorchHere & {
    readonly compiled: boolean;
    readonly pin: boolean;
  },
): Contestant[] {
  const precisions = device === "cuda" ? ["f32", "tf32", "bf16"] : ["f32"];
  const sides = precisions.flatMap((precision) =>
    (compiled ? [[], ["compiled"]] : [[]]).map((more): Contestant => ({
      id: ["PyTorch", precision, ...more].join(" "),
      family: "torch",
      narrow: precision !== "f32",
      start: {
        command: python,
        args: [`${PEERS}torch_peer.py`, precision, ...more],
        env: pin ? PINNED : {},
      },
    }))
  );
  if (device === "cuda" || vectors !== "AVX512") return sides;
  return sides.flatMap((side) => [
    side,
    {
      ...side,
      id: `${side.id} AVX2`,
      start: { ...side.start, env: { ...side.start.env, ...AVX2 } },
    },
  ]);
}
