/**
 * How attention's kernels are cut: tokens per invocation, tokens per round, workgroups.
 * Measured on software Vulkan; a GPU gets fewer rows, since its registers are fewer.
 */
import { ceilDiv } from "../src/base/shape.ts";
import type { Target } from "../src/graph/types.ts";
import type { AttentionAttrs, AttentionSizes } from "./attention_sizes.ts";
import type { AttentionKernel } from "./attention_wgsl.ts";

/** The cut of one kernel; `rowWidths` counts the head's rows it keeps in registers per token. */
export function attentionKernel(
  sizes: AttentionSizes,
  { dropout }: AttentionAttrs,
  { target, rowWidths }: { target: Target; rowWidths: number },
): AttentionKernel {
  const over = (globalThis as unknown as { OVER?: Partial<AttentionKernel> }).OVER ?? {};
  const { batch, heads, time } = sizes;
  const rows = over.rows ?? 4;
  const group = over.group ?? 16;
  const wanted = ceilDiv(batch * heads * ceilDiv(time, rows), group);
  const x = Math.min(wanted, target.groups);
  return {
    ...sizes,
    ...(dropout === undefined ? {} : { dropout }),
    rows,
    group,
    groups: [x, ceilDiv(wanted, x), 1],
    headsFirst: over.headsFirst ?? target.kind === "cpu",
  };
}
