/** The tables of the page, from the report's numbers alone. */
import { COUNTED } from "../limits.ts";
import { BEYOND, type FormatNumber, percentOf } from "./numbers.ts";
import type { ScalingReport } from "../report.ts";
import { markupText } from "../../base/text/markup.ts";

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = (tag: string, row: readonly string[]) =>
    `<tr>${row.map((cell) => `<${tag}>${cell}</${tag}>`).join("")}</tr>`;
  return `<div class="wide"><table><thead>${cells("th", head)}</thead><tbody>${
    rows.map((row) => cells("td", row)).join("\n")
  }</tbody></table></div>`;
}

const CONSTANTS = [
  ["E", "irreducible loss, nats per token"],
  ["A", "scale of the term in N"],
  ["B", "scale of the term in D"],
  ["alpha", "exponent of N"],
  ["beta", "exponent of D"],
  ["a", "N_opt ~ C^a"],
  ["b", "D_opt ~ C^b"],
] as const;

/** The constants with their intervals. */
export function constants({ bootstrap }: ScalingReport, says: FormatNumber): string {
  return table(
    ["constant", `value and ${percentOf(bootstrap.level)} interval`, "meaning"],
    CONSTANTS.map(([name, meaning]) => [name, says(`chinchilla.estimates.${name}`), meaning]),
  );
}

/** The compute-optimal allocation of each budget. */
export function optimal({ optimal }: ScalingReport, says: FormatNumber): string {
  return table(
    [
      "C, FLOP",
      "N, parameters",
      "D, tokens",
      "D / N",
      "loss, nats per token",
      "C / largest trial's",
    ],
    optimal.map((row, i) => {
      const of = (key: string) => says(`optimal.${i}.${key}`);
      const beyond = of("beyond") + (row.outside ? ` ${BEYOND}` : "");
      return "skipped" in row
        ? [of("flops"), markupText(`none: ${row.skipped}`), "", "", "", beyond]
        : [of("flops"), of("params"), of("tokens"), of("ratio"), of("loss"), beyond];
    }),
  );
}

/** Caption of the second picture. */
export function isoflopCaption({ isoflop }: ScalingReport): string {
  return "skipped" in isoflop
    ? "The loss that the fitted law gives each size along a budget: no trials, for no budget has enough sizes."
    : "Trials of one budget and the parabola through them in log N; a ring is its minimum, the bar its interval.";
}

/** Minima of the parabolas, and their exponents. */
export function isoflop({ isoflop }: ScalingReport, says: FormatNumber): string {
  if ("skipped" in isoflop) return `<p>Not fitted: ${markupText(isoflop.skipped)}.</p>`;
  const rows = isoflop.budgets.map(({ minimum }, i) => {
    const of = `isoflop.budgets.${i}`;
    return [
      says(`${of}.flops`),
      says(`${of}.points`),
      minimum === undefined ? "" : says(`${of}.minimum.drawn`),
      ...["params", "tokens", "loss"].map((key) =>
        minimum === undefined ? "none inside" : says(`${of}.minimum.${key}`)
      ),
    ];
  });
  const exponents = "skipped" in isoflop.exponents
    ? `Exponents not fitted: ${markupText(isoflop.exponents.skipped)}.`
    : `Over these minima N_opt ~ C<sup>a</sup> with a = ${
      says("isoflop.exponents.a")
    }, D_opt ~ C<sup>b</sup> with b = ${says("isoflop.exponents.b")}.`;
  return table(
    ["C, FLOP", "trials", "draws with a minimum", "N_opt", "D_opt", "loss there"],
    rows,
  ) +
    `<p>${exponents}</p>`;
}

const QUANTITIES = { params: "N, parameters", tokens: "D, tokens", flops: "C, FLOP" } as const;

/** Laws in one quantity. */
export function kaplan({ kaplan }: ScalingReport, says: FormatNumber): string {
  const rows = kaplan.flatMap((fit, i) =>
    (["plain", "irreducible"] as const).map((kind) => {
      const name = [QUANTITIES[fit.of], kind === "plain" ? "without E" : "with E"];
      const own = fit[kind];
      if ("skipped" in own) return [...name, markupText(own.skipped), "", "", "", ""];
      const of = `kaplan.${i}.${kind}`;
      return [
        ...name,
        says(`${of}.estimates.alpha`),
        says(`${of}.estimates.log10_scale`),
        kind === "plain" ? "0" : says(`${of}.estimates.E`),
        says(`${of}.quality.r2`),
        says(`${of}.quality.leave_one_out_rms`),
      ];
    })
  );
  return table(["X", "form", "&alpha;", "log10 X_c", "E", "R<sup>2</sup>", "left out, rms"], rows);
}

/** Exponents by each count of parameters. */
export function counts({ counts, source }: ScalingReport, says: FormatNumber): string {
  return table(
    ["N counts", "&alpha;", "&beta;", "a", "b"],
    counts.map(({ count }, i) => [
      COUNTED[count] + (count === source.params ? " (this page)" : ""),
      ...["alpha", "beta", "a", "b"].map((key) => says(`counts.${i}.${key}`)),
    ]),
  );
}

/** Published laws. */
export function laws({ published }: ScalingReport, says: FormatNumber): string {
  return table(
    ["law", "E", "A", "B", "&alpha;", "&beta;", "a", "b"],
    published.laws.map(({ name }, i) => [
      markupText(name),
      ...["E", "A", "B", "alpha", "beta", "a", "b"].map((key) =>
        says(`published.laws.${i}.${key}`)
      ),
    ]),
  );
}

/** Training costs of known models. */
export function costs({ published }: ScalingReport, says: FormatNumber): string {
  return table(
    [
      "model",
      "N",
      "tokens of a pass",
      "passes",
      "6 N D",
      "quoted",
      "passes that fit it",
      "sources",
    ],
    published.costs.map(({ model, source }, i) => [
      markupText(model),
      ...["params", "tokens", "passes", "flops_6nd", "published", "implied_passes"].map((key) =>
        says(`published.costs.${i}.${key}`)
      ),
      markupText(source),
    ]),
  );
}
