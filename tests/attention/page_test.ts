/** The report of attention and its page: rounding, the strongest looks, and texts that are markup. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { attentionPage } from "../../src/attention/page.ts";
import {
  type AttentionReport,
  headsOfWeights,
  strongestLooks,
} from "../../src/attention/report.ts";

const REPORT: AttentionReport = {
  model: "a<b>",
  step: 5,
  tokens: ["</script><script>alert(1)</script>", "\u202e&", "c"],
  layers: [
    {
      name: "layer 1",
      from: "tokens",
      to: "tokens",
      attention: [[[1, 0, 0], [0.5, 0.5, 0], [0.2, 0.1, 0.7]]],
    },
    {
      name: "layer 2",
      from: "tokens",
      to: "tokens",
      attention: [[[1, 0, 0], [0, 1, 0], [0.1, 0.6, 0.3]], [[1, 0, 0], [0, 1, 0], [0, 0, 1]]],
    },
  ],
  expects: [{ token: "<i>", probability: 0.75 }],
};

Deno.test("weights are lists by head, query and key, rounded", () => {
  const weights = Float32Array.of(1, 0, 1 / 3, 2 / 3, 0.5, 0.5, 0, 1);
  assertEquals(headsOfWeights(weights, { heads: 2, queries: 2, keys: 2 }), [
    [[1, 0], [0.33333, 0.66667]],
    [[0.5, 0.5], [0, 1]],
  ]);
});

Deno.test("the strongest looks of the last token leave itself out", () => {
  assertEquals(strongestLooks(REPORT, 5), [
    { layer: "layer 2", head: 1, to: 1, list: "tokens", weight: 0.6 },
    { layer: "layer 1", head: 1, to: 0, list: "tokens", weight: 0.2 },
    { layer: "layer 2", head: 2, to: 0, list: "tokens", weight: 0 },
  ]);
  assertEquals(strongestLooks(REPORT, 1).length, 1);
  assertEquals(strongestLooks({ ...REPORT, tokens: ["a"], layers: [] }, 3), []);
});

Deno.test("a token of a target may look at each token of its source", () => {
  const cross = {
    name: "cross 1",
    from: "tokens",
    to: "source",
    attention: [[[0.3, 0.7]]],
  } as const;
  const encoder = { ...cross, name: "encoder 1", from: "source", to: "source" } as const;
  const report = { ...REPORT, tokens: ["x"], source: ["a", "b"], layers: [encoder, cross] };
  assertEquals(strongestLooks(report, 5), [
    { layer: "cross 1", head: 1, to: 1, list: "source", weight: 0.7 },
  ]);
});

Deno.test("no text of a token becomes markup, and the data come back as they were", () => {
  const page = attentionPage(REPORT);
  assertEquals(page.match(/<script/g)?.length, 2);
  assert(!page.includes("alert(1)<"));
  assertStringIncludes(page, "Attention of a&lt;b&gt;");
  const [, data = ""] = page.match(/id="data">([^]*?)<\/script>/) ?? [];
  assertEquals(JSON.parse(data), REPORT);
  assert(!/(src|href)="(?!data:)/.test(page), "nothing is fetched");
});
