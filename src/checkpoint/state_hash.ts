/** One hash for the whole state of training. Knows nothing of files: equal states, equal hashes. */
import { createHash } from "node:crypto";
import { bytesOf } from "../base/hash.ts";
import { atOnce, inTurns, piecesOf, type Work } from "./tensors/pieces.ts";
import { type NamedTensor, sortedByName } from "./tensors/tensor.ts";

/** The tensors that make up a state. */
export interface State {
  readonly model: Iterable<NamedTensor>;
  readonly optimizer: Iterable<NamedTensor>;
}

/**
 * SHA-256 (64 hex digits) over the line `shoal-state-1 <step>`, then each tensor of the model and
 * then each of the optimizer, both in code-unit order of their names: the line `<name> <shape>`,
 * with the sizes joined by `x` (nothing for a scalar), and the elements as little-endian f32.
 * Lines end with one line feed. Throws RangeError when two tensors of a part share a name.
 */
export function stateHash(step: number, state: State): string {
  return atOnce(hashing(step, state));
}

/** The same hash; other work gets its turn meanwhile. The tensors must not change before it is done. */
export function stateHashInTurns(step: number, state: State): Promise<string> {
  return inTurns(hashing(step, state));
}

function* hashing(step: number, { model, optimizer }: State): Work<string> {
  const hash = createHash("sha256");
  hash.update(`shoal-state-1 ${step}\n`);
  for (const part of [model, optimizer]) {
    for (const { name, shape, data } of sortedByName(part)) {
      hash.update(`${name} ${shape.join("x")}\n`);
      for (const piece of piecesOf(bytesOf(data))) {
        hash.update(piece);
        yield piece.length;
      }
    }
  }
  return hash.digest("hex");
}
