/** Degenerate tables: an error, or estimates marked as undetermined. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { UserError } from "../../src/base/user_error.ts";
import { predict } from "../../src/budget/prediction.ts";
import type { Scaling } from "../../src/budget/schema.ts";
import { COARSE } from "../../src/scaling/fit/chinchilla.ts";
import { lossOf } from "../../src/scaling/fit/law.ts";
import { reportLines } from "../../src/scaling/page/lines.ts";
import { pageOf } from "../../src/scaling/page/page.ts";
import { picturesOf } from "../../src/scaling/page/pictures.ts";
import { reportOf, type ScalingReport } from "../../src/scaling/report.ts";
import { reportJson } from "../../src/scaling/page/texts.ts";
import { readTable } from "../../src/scaling/user_table.ts";
import { gridOf, spaced, TRUTH } from "./synthetic.ts";

const SIZES = spaced(1e6, 3, 4);
const TOKENS = spaced(1e8, 3, 3);

type Loss = (params: number, tokens: number, k: number) => number;

function rowsOf(loss: Loss): string[][] {
  return SIZES.flatMap((n, i) =>
    TOKENS.map((d, k) => [`${n}`, `${d}`, `${loss(n, d, i * TOKENS.length + k)}`])
  );
}

function reported(rows: readonly (readonly string[])[]): ScalingReport {
  const table = [["params", "tokens", "loss"], ...rows];
  const trials = readTable(table.map((cells, i) => ({ row: i + 1, cells })), "t.csv");
  const bootstrap = { draws: 60, seed: 0, level: 0.95 };
  return reportOf(trials, { file: "t.csv", count: "all", loss: "loss", bootstrap, grid: COARSE });
}

const law: Loss = (params, tokens) => lossOf(TRUTH, { params, tokens });

Deno.test("tables that determine no law are refused in one line that says why", () => {
  const falls = "need a loss that falls with parameters and with tokens: the best law has alpha ";
  const power =
    "need a loss that falls as a power of parameters and of tokens: it falls in one step ";
  const refused: readonly [string, readonly (readonly string[])[], string][] = [
    ["constant loss", rowsOf(() => 2.5), "need losses that differ: got 2.5 in each of 12 trials"],
    ["loss of N alone", rowsOf((n) => 2 + 400 / n ** 0.34), falls],
    ["loss of D alone", rowsOf((_, d) => 2 + 400 / d ** 0.3), falls],
    ["loss that rises", rowsOf((n, d) => 2 + n ** 0.1 / 10 + 1 / d ** 0.1), falls],
    ["one step in N", rowsOf((n, d) => n === 1e6 ? 5 : 2 + 100 / d ** 0.3), power],
    ["one step in D", rowsOf((n, d) => d === 1e8 ? 5 : 2 + 100 / n ** 0.3), power],
    ["one size", rowsOf(law).slice(0, 3), "need at least 6 trials of 3 sizes and 3 token counts"],
    ["one token count", rowsOf(law).filter((_, i) => i % 3 === 0), "need at least 6 trials"],
    ["two points", rowsOf(law).slice(0, 2), "need at least 6 trials"],
    ["no points", [], "need at least 6 trials of 3 sizes and 3 token counts: got 0 of 0 and 0"],
    // Two trials repeated six times count as two.
    [
      "repeated points",
      Array.from({ length: 6 }, () => rowsOf(law).slice(0, 2)).flat(),
      "need at least 6 trials of 3 sizes and 3 token counts: got 2 of 1 and 2, not counting 10 that " +
      "repeat another (row 4 repeats row 2)",
    ],
    [
      "NaN",
      [["1e6", "1e8", "NaN"]],
      'column loss: need a loss in nats per token as 2.31: got "NaN"',
    ],
    ["negative loss", [["1e6", "1e8", "-1"]], "column loss: need a loss in nats per token"],
    ["zero loss", [["1e6", "1e8", "0"]], "row 2: need a positive, finite loss: 0"],
    ["huge loss", rowsOf((n, d, k) => 1e300 * law(n, d, k)), "row 2: need loss in [1e-9, 1e+9]: "],
    ["tiny loss", rowsOf((n, d, k) => 1e-300 * law(n, d, k)), "row 2: need loss in [1e-9, 1e+9]: "],
    ["huge N", [["1e290", "1e8", "2"]], "row 2: need params in [1, 1e+24]: 1e+290"],
  ];
  for (const [name, rows, says] of refused) {
    let message = "";
    try {
      reported(rows);
    } catch (error) {
      assert(error instanceof UserError, `${name}: ${error}`);
      assertEquals(error.exit, "data", name);
      message = error.message;
    }
    assert(message.includes(says) && !message.includes("\n"), `${name}: ${message}`);
  }
});

/** Numbers of a text that no training has. */
function absurd(text: string): string[] {
  return (text.match(/\d[\d.]*e[+-]?\d+/g) ?? []).filter((number) => {
    const size = Math.abs(Math.log10(Number(number)));
    return !(size <= 30);
  });
}

/** Losses that hardly differ, without a law: of intervals here ends are 1e200. */
const FLAT = [
  2.50145,
  2.50089,
  2.50151,
  2.50135,
  2.5023,
  2.49977,
  2.4988,
  2.50017,
  2.49939,
  2.50073,
  2.49858,
  2.49999,
];
const HARDLY = rowsOf((_, __, k) => FLAT[k] as number);
/** Tokens hardly count: the best use of any budget is one token, and a model of all its FLOP. */
const ONE_SIDED = rowsOf((n, d) => 1.8 + 400 / n ** 0.34 + 1e-5 / (d / 1e8) ** 0.3);

Deno.test("what trials do not determine is marked in terminal, page and JSON alike", () => {
  const report = reported(HARDLY);
  const { estimates } = report.chinchilla;
  const open = Object.entries(estimates).filter(([, { undetermined }]) => undetermined)
    .map(([name]) => name);
  assert(open.length > 0, JSON.stringify(estimates));
  const lines = reportLines(report);
  const page = pageOf(report, picturesOf(report));
  const json = JSON.parse(reportJson(report));
  const [note] = lines.filter((line) => line.startsWith("note: These trials do not determine"));
  assertEquals(
    note,
    `note: These trials do not determine ${open.join(", ")}: the draws of the bootstrap give ` +
      "them any value.",
  );
  for (const [name, { undetermined }] of Object.entries(estimates)) {
    const line = lines.find((line) => line.startsWith(`  ${name} `)) ?? "";
    assertEquals(line.endsWith("(not determined)"), undetermined === true, line);
    const cell = new RegExp(`estimates\\.${name}\\.value">[^<]*</data> <span[^>]*>([^<]*)`);
    const [, mark = ""] = cell.exec(page) ?? [];
    assertEquals(mark === "(not determined)", undetermined === true, `${name}: ${mark}`);
    assertEquals(json.chinchilla.estimates[name].undetermined, undetermined);
  }
  for (const limit of report.limits.slice(1, -1)) {
    assert(lines.includes(`note: ${limit}`), limit);
  }
  // What is not marked is a number that a training could have.
  const unmarked = lines.filter((line) => !line.includes("(not determined)"));
  assertEquals(unmarked.flatMap(absurd), []);
  for (const picture of Object.values(picturesOf(report))) {
    assert(!/NaN|Infinity|undefined/.test(picture));
    assertEquals(absurd(picture), []);
  }
});

Deno.test("a budget whose best use lies outside the trials says so, or has none", () => {
  const reports = [HARDLY, ONE_SIDED].map((rows) => reported(rows));
  for (const report of reports) assertOptimaMarked(report);
  assert(reports[1]?.optimal.every((row) => "skipped" in row));
  // A law that is determined has neither.
  const good = reported(
    gridOf(TRUTH, { sizes: SIZES, tokens: TOKENS }).map((
      p,
    ) => [`${p.params}`, `${p.tokens}`, `${p.loss}`]),
  );
  assertEquals(reportLines(good).join("\n").includes("(not determined)"), false);
  assert(good.optimal.every((row) => "params" in row));
});

function assertOptimaMarked(report: ScalingReport): void {
  const page = pageOf(report, picturesOf(report));
  const lines = reportLines(report).filter((line) => line.startsWith("  C "));
  assertEquals(lines.length, report.optimal.length);
  report.optimal.forEach((row, i) => {
    const line = lines[i] as string;
    assertEquals(line.includes(": none: "), "skipped" in row, line);
    assertEquals(page.includes(`data-path="optimal.${i}.params.value"`), !("skipped" in row));
    if ("skipped" in row) return;
    const [n, d] = [row.params.value, row.tokens.value];
    const inside = row.beyond <= 1 && n >= report.range.params[0] && n <= report.range.params[1] &&
      d >= report.range.tokens[0] && d <= report.range.tokens[1];
    assertEquals(line.endsWith("(beyond the trials)"), !inside, line);
  });
}

Deno.test("a prediction by a law that determines nothing is none", () => {
  const { chinchilla, ...report } = reported(HARDLY);
  const draws = [[1, 1, 1, 0.1, 0.1], [1, 1e200, 1, 0.1, 0.1]];
  const found = predict({ ...report, chinchilla, draws } as unknown as Scaling, {
    counts: { all: 1e7, no_embedding: 1e7, matrices: 1e7, per_layer: 1e7 },
    tokens: 1e9,
  });
  assertEquals(found.undetermined, true);
});

Deno.test("trials that repeat another are named, and intervals are those without them", () => {
  const rows = gridOf(TRUTH, { sizes: SIZES, tokens: TOKENS, sigma: 0.01, seed: 1 })
    .map((p) => [`${p.params}`, `${p.tokens}`, `${p.loss}`]);
  const once = reported(rows);
  const twice = reported([...rows, ...rows.slice(0, 10)]);
  assertEquals(twice.source.used, 12);
  assertEquals(twice.chinchilla.estimates, once.chinchilla.estimates);
  const said = twice.limits.filter((limit) => limit.includes("repeat another"));
  assertEquals(said.length, 1);
  assertMatch(
    said[0] as string,
    /^10 of 22 trials repeat .* do not count: row 14 repeats row 2; row 15 repeats row 3; .* and 2 more\.$/,
  );
  assertEquals(once.limits.some((limit) => limit.includes("repeat another")), false);
});
