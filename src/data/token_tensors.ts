/** Declares the tensors of token batches. */
import type { BatchTensor, TargetKind } from "./source.ts";

/** Name of the tensor of document starts. */
export const STARTS = "starts";

/** Windows of `time` tokens with their targets, and document starts with `documents`. */
export function tokenTensors(
  { time, targetKind, documents = false }: {
    readonly time: number;
    readonly targetKind: TargetKind;
    readonly documents?: boolean;
  },
): Readonly<Record<string, BatchTensor>> {
  const perSequence = targetKind === "sequence_class";
  return {
    tokens: {
      shape: [time],
      dtype: "u32",
      meaning: "token ids; 0 behind the end of a short window",
    },
    targets: {
      shape: perSequence ? [] : [time],
      dtype: "u32",
      meaning: `${perSequence ? "class of the window" : "class of each token"}; IGNORE: no target`,
    },
    ...documents && {
      [STARTS]: {
        shape: [time],
        dtype: "u32" as const,
        meaning: "position in the window where each token's document starts, at most its own",
      },
    },
  };
}
