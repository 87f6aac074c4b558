/** The hash of a training state: equal for equal step and tensors. */
import { createHash } from "node:crypto";
import { bytesOf } from "../base/hash.ts";
import { chunksOf, type ChunkWork, runToEnd, runYielding } from "./tensors/chunks.ts";
import { type NamedTensor, sortedByName } from "./tensors/tensor.ts";

/** The tensors of a state. */
export interface HashedState {
  readonly model: Iterable<NamedTensor>;
  readonly optimizer: Iterable<NamedTensor>;
}

/**
 * SHA-256 (64 hex digits) over the line `shoal-state-1 <step>`, then each tensor of the model and
 * then each of the optimizer, both in code-unit order of their names: the line `<name> <shape>`,
 * with the sizes joined by `x` (nothing for a scalar), and the elements as little-endian f32.
 * Lines end with one line feed. @throws {RangeError} if two tensors of a part share a name.
 */
export function stateHash(step: number, state: HashedState): string {
  return runToEnd(hashing(step, state));
}

/** The same hash; yields to the event loop. The tensors must not change before it resolves. */
export function stateHashAsync(step: number, state: HashedState): Promise<string> {
  return runYielding(hashing(step, state));
}

function* hashing(step: number, { model, optimizer }: HashedState): ChunkWork<string> {
  const hash = createHash("sha256");
  hash.update(`shoal-state-1 ${step}\n`);
  for (const part of [model, optimizer]) {
    for (const { name, shape, data } of sortedByName(part)) {
      hash.update(`${name} ${shape.join("x")}\n`);
      for (const piece of chunksOf(bytesOf(data))) {
        hash.update(piece);
        yield piece.length;
      }
    }
  }
  return hash.digest("hex");
}
