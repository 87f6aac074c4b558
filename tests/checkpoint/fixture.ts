/** Small states and folders that the checkpoint tests share. */
import { fileURLToPath } from "node:url";
import { hashValue } from "../../src/base/hash.ts";
import type { CheckpointDraft } from "../../src/checkpoint/commit.ts";
import { stateHash } from "../../src/checkpoint/state_hash.ts";
import type { NamedTensor } from "../../src/checkpoint/tensors/tensor.ts";

/** A tensor whose elements count up from `first`. */
export function tensor(name: string, shape: readonly number[], first = 0): NamedTensor {
  const size = shape.reduce((a, b) => a * b, 1);
  return { name, shape, data: Float32Array.from({ length: size }, (_, i) => first + i / 7) };
}

/** A state to save; `first` makes states of one step differ. */
export function draftOf(step: number, first: number = step): CheckpointDraft {
  const model = [tensor("w", [3, 5], first), tensor("b", [5], first + 1), tensor("scale", [])];
  const optimizer = [tensor("w/m", [3, 5], first + 2), tensor("w/v", [3, 5], first + 3)];
  return {
    model,
    optimizer,
    manifest: {
      step,
      tokens: step * 64,
      workers: 2,
      microBatches: 8,
      seed: 7,
      config: { model: { width: 5, "10": true, "9": null }, lr: 3e-4 },
      configHash: hashValue("config"),
      dataHash: hashValue("data"),
      tokenizer: { kind: "bytes" },
      adapter: "reference",
      adapterInfo: { driver: "none" },
      shaders: hashValue("shaders"),
      kernels: "cpu, subgroups of 8",
      probe: hashValue("probe"),
      skipped: [3, 5],
      valLoss: 2.5,
      deno: "2.9.6",
      position: { window: step * 8 },
    },
  };
}

/** The hash of a draft's state. */
export function hashOf(draft: CheckpointDraft): string {
  return stateHash(draft.manifest.step, draft);
}

/** A folder that is removed at the end of its scope. */
export class TempFolder implements Disposable {
  readonly path: string = Deno.makeTempDirSync({ prefix: "shoal-" });

  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}

/** Names in a folder, sorted. */
export function names(path: string): string[] {
  return [...Deno.readDirSync(path)].map((entry) => entry.name).sort();
}

/** The file with one bit flipped. */
export function flipBit(path: string, { byte, bit = 0 }: { byte: number; bit?: number }): void {
  const bytes = Deno.readFileSync(path);
  const at = byte < 0 ? bytes.length + byte : byte;
  bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
  Deno.writeFileSync(path, bytes);
}

/** Starts a script beside the tests in a process of its own. */
export function child(
  script: string,
  { args, stdin }: { args: readonly string[]; stdin: "piped" | "null" },
): Deno.Command {
  const path = fileURLToPath(new URL(script, import.meta.url));
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", "--no-check", "-A", path, ...args],
    stdin,
    stdout: "piped",
    stderr: "inherit",
  });
}
