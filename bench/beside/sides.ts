/** How each side of the comparison is started. */
import { fileURLToPath } from "node:url";
import type { Contestant } from "./compare.ts";

const HERE = fileURLToPath(new URL("./", import.meta.url));
const PEERS = fileURLToPath(new URL("../peers/", import.meta.url));

/** Permissions of a side: it reads its task, packages and settings of drivers. */
const ALLOWED = ["--quiet", "--no-prompt", "--allow-read", "--allow-env", "--allow-sys"];

/** Ours and the peers on WebGPU. */
export function webgpuSides(): Contestant[] {
  const deno = (id: string, family: Contestant["family"], args: readonly string[]): Contestant => ({
    id,
    family,
    narrow: false,
    start: { command: Deno.execPath(), args: ["run", ...ALLOWED, ...args] },
  });
  const peer = (id: string, file: string) =>
    deno(id, "webgpu", ["--config", `${PEERS}deno.json`, PEERS + file]);
  return [
    deno("Shoal", "ours", [`${HERE}shoal.ts`]),
    peer("jax-js", "jax.ts"),
    peer("tfjs", "tfjs.ts"),
  ];
}

/** What `python` says when PyTorch is asked for: where it computes, or why it cannot. */
export async function torchHere(
  python: string,
): Promise<{ readonly device: "cuda" | "cpu" } | { readonly reason: string }> {
  const code = "import torch; print('cuda' if torch.cuda.is_available() else 'cpu')";
  try {
    const { success, stdout, stderr } = await new Deno.Command(python, { args: ["-c", code] })
      .output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
    if (success) return { device: text(stdout) === "cuda" ? "cuda" : "cpu" };
    return { reason: text(stderr).split("\n").at(-1) || "it ended without a word" };
  } catch (error) {
    return { reason: error instanceof Error ? error.message : String(error) };
  }
}

/** PyTorch in its variants: two threads of a CPU, or the same GPU in f32, TF32 and bf16. */
export function torchSides(
  python: string,
  { device, compiled }: { readonly device: "cuda" | "cpu"; readonly compiled: boolean },
): Contestant[] {
  const precisions = device === "cuda" ? ["f32", "tf32", "bf16"] : ["f32"];
  return precisions.flatMap((precision) =>
    (compiled ? [[], ["compiled"]] : [[]]).map((more): Contestant => ({
      id: ["PyTorch", precision, ...more].join(" "),
      family: "torch",
      narrow: precision !== "f32",
      start: { command: python, args: [`${PEERS}torch_peer.py`, precision, ...more] },
    }))
  );
}
