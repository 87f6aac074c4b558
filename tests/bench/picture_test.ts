/** The picture of the comparison with peers: its bars, its words, and where they lie. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { besideOf, type BesideRow, sectionOf } from "../../bench/beside/result.ts";
import { ROWS } from "../../bench/beside/rows.ts";
import { peersPicture, TITLE } from "../../bench/picture/picture.ts";
import { fixed } from "../../bench/table.ts";
import { findChromium, visit } from "../scaling/browser.ts";
import { MEASURED, MEASURED_FACTS, MEASURED_SIDES } from "./peers_fixture.ts";

const BESIDE = MEASURED.map((result) => besideOf(result, MEASURED_SIDES));
const PICTURE = peersPicture(BESIDE, MEASURED_FACTS);

/** All sides there are, with ratios far apart, some missing. */
const IDS = ["jax-js", "tfjs"].concat(
  ["f32", "tf32", "bf16"].flatMap((p) => [`PyTorch ${p}`, `PyTorch ${p} compiled`]),
);
const ALL: BesideRow[] = ROWS.map(({ name }, r) => ({
  row: name,
  peers: IDS.map((id, k) =>
    (r + k) % 5 === 4 ? { id } : { id, ratio: 0.9 * 10 ** (k - 4 + r / 10) }
  ),
}));

/** Pictures that labels must fit: each with what is measured and some of what may be. */
const PICTURES: Readonly<Record<string, string>> = {
  measured: PICTURE,
  "all rows and sides": peersPicture(ALL, [...MEASURED_FACTS, "word ".repeat(80).trim()]),
  "peers that are faster": peersPicture(
    [{ row: "x", peers: [{ id: "a", ratio: 0.0012 }, { id: "b", ratio: 0.98 }] }],
    ["here"],
  ),
  "peers that are slower": peersPicture(
    [{ row: "x", peers: [{ id: "a", ratio: 4567 }, { id: "b", ratio: 1.02 }] }],
    ["here"],
  ),
  "a peer as fast": peersPicture([{ row: "x", peers: [{ id: "a", ratio: 1 }] }], []),
  "no ratio": peersPicture([{ row: "x", peers: [{ id: "a" }] }], []),
  "no peer": peersPicture([{ row: "matmul 512", peers: [] }, { row: "LSTM", peers: [] }], []),
};

interface Element {
  readonly name: string;
  readonly at: Readonly<Record<string, string>>;
  readonly words: string;
}

function elementsOf(svg: string): Element[] {
  return [...svg.matchAll(/<(rect|text|polyline)((?: [a-z-]+="[^"]*")*)>([^<]*)</g)]
    .map(([, name = "", list = "", words = ""]) => ({
      name,
      at: Object.fromEntries([...list.matchAll(/ ([a-z-]+)="([^"]*)"/g)].map(([, k, v]) => [k, v])),
      words: words.replaceAll("&#39;", "'"),
    }));
}

interface Box {
  readonly words: string;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** Where a text lies in a wide face: a letter is three fifths of its size, a line 1.2 of it. */
function boxOf({ at, words }: Element): Box {
  const size = Number(at["font-size"] ?? 15);
  const width = 0.6 * size * [...words].length;
  const [x, y] = [Number(at["x"]), Number(at["y"])];
  const left = { start: x, middle: x - width / 2, end: x - width }[at["text-anchor"] ?? "start"];
  assert(left !== undefined);
  return { words, left, right: left + width, top: y - 0.95 * size, bottom: y + 0.25 * size };
}

function barBox({ at }: Element): Box {
  const [x, y] = [Number(at["x"]), Number(at["y"])];
  const [width, height] = [Number(at["width"]), Number(at["height"])];
  return { words: "bar", left: x, right: x + width, top: y, bottom: y + height };
}

function touching(a: Box, b: Box): boolean {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}

const barsOf = (svg: string) => elementsOf(svg).filter(({ at }) => at["class"] === "bar");
const textsOf = (svg: string) => elementsOf(svg).filter(({ name }) => name === "text");
/** Where the line at 1 is. */
function unityOf(svg: string): number {
  const line = elementsOf(svg).find(({ at }) => at["class"] === "unity");
  return Number(line?.at["points"]?.split(",")[0]);
}

Deno.test("peersPicture() draws each ratio from the line at 1, as long as its logarithm", () => {
  const ratios = BESIDE.flatMap(({ peers }) => peers.map(({ ratio }) => ratio as number));
  const bars = barsOf(PICTURE).map(barBox);
  assertEquals(bars.length, 7 * 3);
  const ten = textsOf(PICTURE).find(({ words }) => words === "10");
  const one = unityOf(PICTURE);
  const scale = Number(ten?.at["x"]) - one;
  assert(scale > 100);
  bars.forEach(({ left, right }, i) => {
    const ratio = ratios[i] as number;
    assertAlmostEquals(ratio > 1 ? left : right, one, 0.02);
    assertAlmostEquals(right - left, scale * Math.abs(Math.log10(ratio)), 0.02);
  });
});

Deno.test("peersPicture() says at the end of each bar the number that the table has", () => {
  const one = unityOf(PICTURE);
  const texts = textsOf(PICTURE);
  const ratios = BESIDE.flatMap(({ peers }) => peers.map(({ ratio }) => ratio as number));
  barsOf(PICTURE).map(barBox).forEach(({ left, right, top, bottom }, i) => {
    const end = left < one - 1 ? left : right;
    const beside = texts.filter(({ at }) =>
      Math.abs(Number(at["x"]) - end) < 7 && top < Number(at["y"]) && Number(at["y"]) < bottom + 4
    );
    assertEquals(beside.map(({ words }) => words), [`${fixed(ratios[i] as number)}×`]);
  });
  const { table } = sectionOf(MEASURED, { rows: ROWS, sides: MEASURED_SIDES });
  const [head = [], ...rows] = table;
  for (const column of ["x best WebGPU", "x PyTorch f32"]) {
    for (const row of rows) {
      const number = `${row[head.indexOf(column)]}×`;
      assert(texts.some(({ words }) => words === number), `${row[0]}, ${column}: ${number}`);
    }
  }
});

Deno.test("peersPicture() names rows, peers, hardware, date and command", () => {
  const words = textsOf(PICTURE).map(({ words }) => words).join(" ");
  for (const { row, peers } of BESIDE) {
    assert(words.includes(row), row);
    for (const { id } of peers) assert(words.includes(id), id);
  }
  for (const fact of MEASURED_FACTS) assert(words.includes(fact), fact);
  assert(words.includes(TITLE) && words.includes("log scale"));
});

Deno.test("peersPicture() gives each peer a colour of its own, which the legend shows", () => {
  const svg = PICTURES["all rows and sides"] as string;
  const swatches = elementsOf(svg).filter(({ name, at }) =>
    name === "rect" && at["class"] === undefined && at["fill"] !== "#ffffff"
  );
  const colours = swatches.map(({ at }) => at["fill"]);
  assertEquals(new Set(colours).size, IDS.length);
  const shown = ALL.flatMap(({ peers }) =>
    peers.flatMap(({ ratio }, k) => ratio === undefined ? [] : [colours[k]])
  );
  assertEquals(barsOf(svg).map(({ at }) => at["fill"]), shown);
});

Deno.test("peersPicture() draws no bar where there is no number, but a dash", () => {
  const svg = PICTURES["no ratio"] as string;
  assertEquals(barsOf(svg), []);
  assertEquals(textsOf(svg).filter(({ words }) => words === "–").length, 1);
  const all = PICTURES["all rows and sides"] as string;
  const missing = ALL.flatMap(({ peers }) => peers).filter(({ ratio }) => ratio === undefined);
  assertEquals(textsOf(all).filter(({ words }) => words === "–").length, missing.length);
  assert(missing.length > 9);
});

for (const [name, svg] of Object.entries(PICTURES)) {
  Deno.test(`peersPicture() keeps labels apart, off the bars and inside: ${name}`, () => {
    const [, width, height] = /viewBox="0 0 (\d+) ([\d.]+)"/.exec(svg) ?? [];
    const labels = textsOf(svg).map(boxOf);
    const bars = barsOf(svg).map(barBox);
    assert(labels.length > 5 && !svg.includes("NaN") && !svg.includes("Infinity"));
    labels.forEach((label, i) => {
      assert(label.left >= 0 && label.right <= Number(width), label.words);
      assert(label.top >= 0 && label.bottom <= Number(height), label.words);
      for (const other of [...labels.slice(i + 1), ...bars]) {
        assert(!touching(label, other), `${label.words} | ${other.words}`);
      }
    });
  });
}

Deno.test("peersPicture() takes names as texts", () => {
  const svg = peersPicture([{ row: "a<b", peers: [{ id: '"x" & y', ratio: 2 }] }], ["c > d"]);
  for (const words of ["a&lt;b", "&quot;x&quot; &amp; y", "c &gt; d"]) {
    assert(svg.includes(`>${words}<`), words);
  }
});

const chromium = findChromium();
const why = chromium === undefined ? " (not run: there is no Chromium)" : "";

Deno.test({
  name: `Chromium lays the labels of the pictures out as planned${why}`,
  ignore: chromium === undefined,
  async fn() {
    const path = await Deno.makeTempFile({ suffix: ".html" });
    try {
      await Deno.writeTextFile(path, `<!doctype html>${Object.values(PICTURES).join("")}`);
      const { complaints, value } = await visit<Laid[]>(chromium as string, {
        path,
        expression: LAID,
      });
      assertEquals(complaints, []);
      assertEquals(value.map(({ labels }) => labels), Object.values(PICTURES).map(labelCount));
      for (const { outside, touching } of value) {
        assertEquals({ outside, touching }, { outside: [], touching: [] });
      }
    } finally {
      await Deno.remove(path);
    }
  },
});

function labelCount(svg: string): number {
  return textsOf(svg).length;
}

/** A picture as the browser lays it out: labels that leave it, pairs that overlap. */
interface Laid {
  readonly labels: number;
  readonly outside: readonly string[];
  readonly touching: readonly string[];
}

const LAID = `[...document.querySelectorAll("svg")].map((svg) => {
  const box = svg.getBoundingClientRect();
  const labels = [...svg.querySelectorAll("text")].map((text) => {
    return { words: text.textContent, at: text.getBoundingClientRect() };
  });
  const apart = (a, b) =>
    a.right <= b.left || b.right <= a.left || a.bottom <= b.top || b.bottom <= a.top;
  return {
    labels: labels.filter(({ at }) => at.width > 0).length,
    outside: labels.filter(({ at }) =>
      at.left < box.left || at.right > box.right || at.top < box.top || at.bottom > box.bottom
    ).map(({ words }) => words),
    touching: labels.flatMap((a, i) =>
      labels.slice(i + 1).filter((b) => !apart(a.at, b.at)).map((b) => a.words + " | " + b.words)
    ),
  };
})`;
