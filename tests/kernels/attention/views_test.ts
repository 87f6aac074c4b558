/** What attention() traces for views of heads and masks, and the arguments that it rejects. */
import { assertEquals, assertThrows } from "@std/assert";
import { attention, attentionOp, headsOf, packedHeads } from "../../../kernels/attention/mod.ts";
import type { AttentionOptions, HeadTriple } from "../../../kernels/attention/mod.ts";
import { sources } from "../../support/graph/sources.ts";

/** Views of tensors of their own. */
function apart({ keys = 6, heads = 2, kvHeads = 2 } = {}) {
  const width = 4;
  const { f32, u32, trace } = sources();
  const views: HeadTriple = {
    q: headsOf(f32("q", [2, 6, heads * width]), { heads }),
    k: headsOf(f32("k", [2, keys, kvHeads * width]), { heads: kvHeads }),
    v: headsOf(f32("v", [2, keys, kvHeads * width]), { heads: kvHeads }),
  };
  return { ...views, f32, u32, trace };
}

Deno.test("attention() takes each tensor once, and says what it holds", () => {
  const { q, f32, trace } = apart();
  const pair = f32("pair", [2, 9, 16]);
  const y = attention({
    q,
    k: headsOf(pair, { heads: 2, first: 8, width: 4 }),
    v: headsOf(pair, { heads: 2, first: 0, width: 4 }),
  });
  assertEquals(y.shape, [2, 6, 8]);
  const [call] = trace.calls;
  assertEquals(call?.inputs, [q.of, pair]);
  assertEquals(call?.attrs, { heads: 2, layout: "q,vk" });
});

Deno.test("packedHeads() finds grouped heads, whose columns attention() reads in one piece", () => {
  const { f32, trace } = sources();
  const qkv = f32("qkv", [2, 6, 40]);
  const { q, k, v } = packedHeads(qkv, 6, { kvHeads: 2 });
  assertEquals([q, k, v].map(({ first, heads, width }) => [first, heads, width]), [
    [0, 6, 4],
    [24, 2, 4],
    [32, 2, 4],
  ]);
  assertEquals(attention({ q, k, v }).shape, [2, 6, 24]);
  assertEquals(trace.calls[0]?.attrs, { heads: 6, kvHeads: 2 });
  assertThrows(
    () => packedHeads(qkv, 3, { kvHeads: 2 }),
    RangeError,
    "must be a multiple of heads + 2 x heads of keys: [2, 6, 40]",
  );
});

Deno.test("attention() joins the tensors of masks where a launch cannot bind them", () => {
  const { q, k, v, u32, trace } = apart();
  const key = u32("key", [2], () => 1);
  const lengths = u32("lengths", [2], () => 3);
  const ids = u32("ids", [2, 6], () => 0);
  const dropout = { p: 0.5, site: 1, key };
  attention({ q, k, v }, { mask: { lengths } });
  attention({ q, k, v }, { mask: { lengths, segments: [ids, ids] }, dropout });
  const [one, many] = trace.calls;
  assertEquals(one?.outputs.length, 2);
  assertEquals(many?.outputs.map(({ shape }) => shape), [[2, 6, 8], [2, 2, 6], [2 + 2 + 12 + 12]]);
});

Deno.test("attention() rejects views, masks and slopes that do not fit", () => {
  const { q, k, v, f32, u32 } = apart();
  const pair = f32("pair", [2, 6, 16]);
  const half = (first: number) => headsOf(pair, { heads: 2, first, width: 4 });
  const refused: [HeadTriple, AttentionOptions, string][] = [
    [{ q, k: half(0), v: half(4) }, {}, "k, v of [2, 6, 16]: v begins at 4"],
    [{ q, k: half(0), v }, {}, "k of [2, 6, 16]: they end at 8"],
    [{ q, k: half(8), v }, {}, "k begins at 8"],
    [{ q, k, v: { ...v, heads: 1, width: 8 } }, {}, "as many heads as values"],
    [{ q, k: { ...k, heads: 1, width: 8 }, v }, {}, "as many heads as values"],
    [apart({ heads: 3 }), {}, "with 3 heads: need a positive multiple"],
    [apart({ keys: 5 }), { mask: { causal: true } }, "as many queries as keys: 6 and 5"],
    [{ q, k, v }, { mask: { window: 0 } }, "a positive number of keys: 0"],
    [{ q, k, v }, { mask: { window: 1.5 } }, "a positive number of keys: 1.5"],
    [{ q, k, v }, { mask: { starts: u32("s", [2, 6], () => 0) } }, "must be causal too"],
    [{ q, k, v }, { mask: { lengths: u32("l", [3], () => 0) } }, "they must be u32 [2]: u32 [3]"],
    [{ q, k, v }, { mask: { lengths: f32("f", [2]) } }, "they must be u32 [2]: f32 [2]"],
    [{ q, k, v }, { mask: { segments: u32("i", [2, 5], () => 0) } }, "u32 [2, 6]: u32 [2, 5]"],
    [{ q, k, v }, { alibi: [1] }, "need 2 finite slopes, one for each head: 1 (1)"],
    [{ q, k, v }, { alibi: [1, Infinity] }, "need 2 finite slopes"],
    [{ q, k, v: headsOf(f32("w", [2, 7, 8]), { heads: 2 }) }, {}, "v must be f32 [2, 6, 8]"],
  ];
  for (const [views, options, words] of refused) {
    assertThrows(() => attention(views, options), RangeError, words);
  }
});

Deno.test("attention ops reject layouts that do not name q, k and v once each", () => {
  const { q } = apart();
  for (const layout of ["qk", "qkvv", "q,k,,v", "qxv", ""]) {
    assertThrows(
      () => attentionOp.shape([q.of], { heads: 2, layout }),
      RangeError,
      "the layout must name q, k and v once each",
    );
  }
});
