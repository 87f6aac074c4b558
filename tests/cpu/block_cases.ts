/** Attention over several blocks of queries, which the gradient of the CPU device is computed in. */
import { attentionBackwardOp, attentionOp } from "../../kernels/attention/mod.ts";
import { alibiSlopes } from "../../kernels/attention/alibi.ts";
import {
  attentionCase,
  type CaseMask,
  type CaseSizes,
} from "../../kernels/attention/attention_case.ts";
import { attentionBackwardCase } from "../../kernels/attention/attention_cases.ts";
import type { Case, Op } from "../../src/graph/types.ts";

const own = (queries: number, more: Partial<CaseSizes> = {}): CaseSizes => ({
  ...{ batch: 1, heads: 1, width: 4, queries },
  ...more,
});

/** Blocks of at least 16 queries whose scores fill 64 KiB, and a last one of any size. */
const CASES: readonly (readonly [CaseSizes, CaseMask])[] = [
  [own(130, { heads: 2, kvHeads: 1 }), { causal: true }],
  [own(233), { causal: true, window: 20 }],
  [own(230), { window: 37 }],
  [own(150, { batch: 2, width: 3 }), { causal: true, lengths: (b) => 120 * b + 3, keep: 0.75 }],
  [own(201), { causal: true, starts: (i) => i - i % 70, alibi: alibiSlopes(1) }],
  [own(45, { keys: 1100, layout: "q,kv", valueWidth: 5 }), {}],
  [own(33, { keys: 900, layout: "q,k,v" }), { window: 30, lengths: () => 11 }],
  [own(1100, { keys: 17, layout: "q,kv" }), { segments: (i) => i % 5, keySegments: (i) => i % 3 }],
];

/** Cases of attention and of its gradient. */
export const BLOCKS: readonly { readonly op: Op; readonly test: Case }[] = CASES.flatMap(
  ([sizes, mask]) => {
    const test = attentionCase("ragged", sizes, mask);
    return [{ op: attentionOp, test }, {
      op: attentionBackwardOp,
      test: attentionBackwardCase(test),
    }];
  },
);
