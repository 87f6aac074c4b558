/** The report of a sweep, its files, and the page in a browser. */
import { assert, assertAlmostEquals, assertEquals, assertLess, assertMatch } from "@std/assert";
import { parseFit, predict } from "../../src/budget/prediction.ts";
import { showNumber } from "../../src/scaling/page/numbers.ts";
import { pageOf } from "../../src/scaling/page/page.ts";
import { picturesOf } from "../../src/scaling/page/pictures.ts";
import { readTrials } from "../../src/scaling/read.ts";
import { reportOf } from "../../src/scaling/report.ts";
import { lossOf } from "../../src/scaling/fit/law.ts";
import { pointsCsv, reportJson } from "../../src/scaling/page/texts.ts";
import { findChromium, visit } from "./browser.ts";
import { linesOf, rowsOf } from "./sweep.ts";
import { TRUTH } from "./synthetic.ts";

const trials = readTrials(linesOf(rowsOf()), { path: "trials.jsonl", loss: "val" });
const report = reportOf(trials, {
  file: 'a <sweep> & "more"',
  count: "all",
  loss: "val_loss",
  budgets: [1e11, 1e13],
  bootstrap: { draws: 200, seed: 0, level: 0.95 },
});
const json = reportJson(report);
const pictures = picturesOf(report);
const page = pageOf(report, pictures);

/** Number at a path as `chinchilla.estimates.E.low`. */
function numberAt(value: unknown, path: string): unknown {
  return path.split(".").reduce((at, key) => Reflect.get(at as object, key), value);
}

Deno.test("reportJson() holds the report, lists of numbers on one line", () => {
  const { seal, ...held } = JSON.parse(json);
  assertEquals(held, JSON.parse(JSON.stringify(report)));
  assertMatch(seal, /^[0-9a-f]{64}$/);
  assert(/\n {4}\[-?\d[^\n]*\],\n/.test(json));
  assertEquals(report.draws.length, 200);
});

Deno.test("the report counts every trial once, by each count of parameters", () => {
  assertEquals(report.source, {
    file: 'a <sweep> & "more"',
    loss: "val_loss",
    params: "all",
    used: 20,
    failed: 1,
    stopped: 1,
    repeated: [],
    notes: [],
  });
  assertEquals(report.counts.map(({ count }) => count), ["all", "no_embedding", "matrices"]);
  const alphas = report.counts.map(({ alpha }) => alpha);
  assertEquals(alphas[0], report.chinchilla.estimates.alpha.value);
  assertLess(alphas[2] as number, alphas[0] as number);
});

Deno.test("every number of the page is that of scaling.json", () => {
  const said = JSON.parse(json);
  const found = [
    ...page.matchAll(/<data value="([^"]*)" data-path="([^"]*)">([^<]*)<\/data>/g),
  ];
  assertLess(150, found.length);
  for (const [, value, path, text] of found) {
    assertEquals(Number(value), numberAt(said, path as string), path);
    // As printed it is rounded, to six digits and at the ends of intervals to four.
    const exact = Number(value);
    const digits = /\.(low|high)$/.test(path as string) ? 4 : 6;
    assertEquals(text, showNumber(exact, digits), path);
    assertAlmostEquals(Number(text), exact, Math.abs(exact) * 5.001 * 10 ** -digits, path);
  }
  const paths = new Set(found.map(([, , path]) => path));
  for (const key of ["E", "A", "B", "alpha", "beta", "a", "b"]) {
    for (const end of ["value", "low", "high"]) {
      assert(paths.has(`chinchilla.estimates.${key}.${end}`), `${key}.${end}`);
    }
  }
  assert(report.limits.length >= 3);
});

Deno.test("the page needs no network and no script, and takes names as texts", () => {
  assert(!/<script|src=|@import|url\((?!#)/i.test(page));
  assert(!/https?:\/\/(?!www\.w3\.org\/2000\/svg)/.test(page));
  assert(page.includes("<h1>Scaling law of a &lt;sweep&gt; &amp; &quot;more&quot;</h1>"));
});

Deno.test("the page's constants give the ratio of tokens to parameters to a thousandth", () => {
  const printed = (key: string) => {
    const pattern = new RegExp(`data-path="chinchilla\\.estimates\\.${key}\\.value">([^<]*)<`);
    return Number(pattern.exec(page)?.[1]);
  };
  const [A, B, alpha, beta] = ["A", "B", "alpha", "beta"].map(printed) as [
    number,
    number,
    number,
    number,
  ];
  report.optimal.forEach(({ flops, ...best }) => {
    assert("ratio" in best);
    const params = (alpha * A / (beta * B)) ** (1 / (alpha + beta)) *
      (flops / 6) ** (beta / (alpha + beta));
    assertAlmostEquals(flops / 6 / params ** 2 / best.ratio.value, 1, 1e-3);
  });
});

Deno.test("pointsCsv() holds each trial beside what the law says of it", () => {
  const [head, first, ...rest] = pointsCsv(report).trimEnd().split("\n");
  assertEquals(head, "name,params,tokens,flops,loss,predicted,residual,left_out");
  assert(first?.startsWith('"size 10000, ""100000"" tokens",10000,100000,6000000000,'), first);
  assertEquals(rest.length, 19);
  for (const { loss, predicted, residual } of report.points) {
    assertAlmostEquals(Math.log(loss / predicted), residual, 1e-12);
  }
});

Deno.test("plan reads scaling.json, and foretells about the truth of a run not made", () => {
  const params = 2e6;
  const tokens = 8e6;
  const counts = { all: params, no_embedding: params, matrices: params, per_layer: params };
  const { loss, low, high } = predict(parseFit(json, "scaling.json"), { counts, tokens });
  const truth = lossOf(TRUTH, { params, tokens });
  assert(low <= truth && truth <= high, `${low} ${loss} ${high}: ${truth}`);
});

Deno.test("showNumber() keeps six digits and drops what says nothing", () => {
  assertEquals(
    [0.3391708412, 1e15, 406.4, 2085.4342, 0, 20, 1.5e-7, -12.5].map((n) => showNumber(n)),
    [
      "0.339171",
      "1e15",
      "406.4",
      "2085.43",
      "0",
      "20",
      "1.5e-7",
      "-12.5",
    ],
  );
});

const chromium = findChromium();
const why = chromium === undefined ? " (not run: there is no Chromium)" : "";

Deno.test({
  name: `the page opens in Chromium without a complaint, its pictures drawn${why}`,
  ignore: chromium === undefined,
  async fn() {
    const path = await Deno.makeTempFile({ suffix: ".html" });
    await Deno.writeTextFile(path, page);
    try {
      const { complaints, value } = await visit<Picture[]>(chromium as string, {
        path,
        expression: DRAWN,
      });
      assertEquals(complaints, []);
      assertEquals(value.map(({ title }) => title).length, 3);
      for (const { title, width, marks, hidden, outside, touching } of value) {
        assertLess(600, width);
        assertLess(20, marks, title);
        assertEquals({ title, hidden, outside, touching }, {
          title,
          hidden: [],
          outside: [],
          touching: [],
        });
      }
    } finally {
      await Deno.remove(path);
    }
  },
});

/** A picture as the browser lays it out. */
interface Picture {
  readonly title: string;
  readonly width: number;
  readonly marks: number;
  /** Labels without extent, labels that leave the picture, pairs of labels that overlap. */
  readonly hidden: readonly string[];
  readonly outside: readonly string[];
  readonly touching: readonly string[];
}

const DRAWN = `[...document.querySelectorAll("figure svg")].map((svg) => {
  const box = svg.getBoundingClientRect();
  const labels = [...svg.querySelectorAll("text")].map((text) => {
    return { words: text.textContent, at: text.getBoundingClientRect() };
  });
  const marks = [...svg.querySelectorAll(".marks > *")].filter((mark) => {
    const at = mark.getBoundingClientRect();
    return at.width + at.height > 0;
  });
  const apart = (a, b) =>
    a.right <= b.left || b.right <= a.left || a.bottom <= b.top || b.bottom <= a.top;
  return {
    title: svg.querySelector("title").textContent,
    width: box.width,
    marks: marks.length,
    hidden: labels.filter(({ at }) => at.width === 0).map(({ words }) => words),
    outside: labels.filter(({ at }) =>
      at.left < box.left || at.right > box.right || at.top < box.top || at.bottom > box.bottom
    ).map(({ words }) => words),
    touching: labels.flatMap((a, i) =>
      labels.slice(i + 1).filter((b) => !apart(a.at, b.at)).map((b) => a.words + " | " + b.words)
    ),
  };
})`;
