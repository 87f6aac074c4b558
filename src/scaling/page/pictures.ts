/** The three pictures of a report, from its numbers alone. */
import { maxOf, minOf } from "../../base/extremes.ts";
import { colours, evenAxis, logAxis, power } from "./axes.ts";
import { quantile } from "../fit/bootstrap.ts";
import { groupsOf } from "../fit/distinct.ts";
import { frontierOf } from "../fit/frontier.ts";
import { FLOP_PER_PARAM_TOKEN, type Law, lossOf, optimumOf } from "../fit/law.ts";
import { short } from "../limits.ts";
import type { Fitted, ScalingReport } from "../report.ts";
import { undeterminedOptimum } from "../fit/undetermined.ts";
import { area, dot, INK, type LegendKey, line, plot, type PlotFrame } from "./svg.ts";

/** File names of the pictures. */
export const PICTURES = ["loss.svg", "isoflop.svg", "residuals.svg"] as const;

/** The pictures, by file name. */
export function picturesOf(report: ScalingReport): Record<typeof PICTURES[number], string> {
  return {
    "loss.svg": lossPicture(report),
    "isoflop.svg": "skipped" in report.isoflop ? lawCurves(report) : isoflopPicture(report),
    "residuals.svg": residualPicture(report),
  };
}

const RED = "#c0392b";

/** Trials of one size, with their colour. */
interface Family {
  readonly colour: string;
  readonly points: readonly Fitted[];
}

function familiesOf(points: readonly Fitted[]): Family[] {
  const groups = groupsOf(points.map((p) => p.params), 1.01);
  const tints = colours(groups.length);
  return groups.map((group, i) => ({
    colour: tints[i] as string,
    points: group.map((k) => points[k] as Fitted).sort((a, b) => a.flops - b.flops),
  }));
}

/** Legend of at most nine sizes, evenly thinned. */
function sizeKeys(families: readonly Family[]): LegendKey[] {
  const every = Math.ceil(families.length / 9);
  return families
    .filter((_, i) => i % every === 0 || i === families.length - 1)
    .map(({ colour, points }) => ({
      text: `N = ${short(points[0]?.params ?? NaN)}`,
      colour,
      shape: "dot",
    }));
}

function lawOf({ chinchilla: { estimates: e } }: ScalingReport): Law {
  return {
    E: e.E.value,
    A: e.A.value,
    B: e.B.value,
    alpha: e.alpha.value,
    beta: e.beta.value,
  };
}

function lawsOf({ draws }: ScalingReport): Law[] {
  return draws.map((draw) => {
    const [E, A, B, alpha, beta] = draw as [number, number, number, number, number];
    return { E, A, B, alpha, beta };
  });
}

/** `count` numbers from low to high by equal factors. */
function steps(low: number, high: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => low * (high / low) ** (i / (count - 1)));
}

/** Whether the law determines the optimum of a budget, as in the report's table. */
function isDetermined(report: ScalingReport, flops: number): boolean {
  const best = optimumOf(lawOf(report), flops);
  return undeterminedOptimum(best, { flops, range: report.range }) === undefined;
}

function lossPicture(report: ScalingReport): string {
  const { points, range, bootstrap } = report;
  const families = familiesOf(points);
  const frontier = frontierOf(points, "flops");
  const shown = steps(range.flops[0], 10 * range.flops[1], 60);
  const law = lawOf(report);
  const budgets = shown.filter((flops) => isDetermined(report, flops));
  const curve = budgets.map((flops) => optimumOf(law, flops).loss);
  const laws = lawsOf(report);
  const band = budgets.flatMap((flops) => {
    const losses = laws.map((drawn) => optimumOf(drawn, flops).loss)
      .filter(Number.isFinite).sort((a, b) => a - b);
    const cut = (1 - bootstrap.level) / 2;
    return losses.length === 0
      ? []
      : [{ flops, low: quantile(losses, cut), high: quantile(losses, 1 - cut) }];
  });
  const losses = points.map((p) => p.loss);
  // Exclude extrapolated losses from the axis range, so that the trials stay visible.
  const near = curve.filter((loss) => loss > minOf(losses) / 2 && loss < 2 * maxOf(losses));
  const x = logAxis("Training compute C, FLOP", shown, power);
  const y = evenAxis("Loss, nats per token", [...losses, ...near], { log: true });
  const percent = `${Math.round(100 * bootstrap.level)} %`;
  const legend: LegendKey[] = [
    ...(curve.length > 0
      ? [{ text: "L(N, D) at its best N", colour: INK, shape: "dash" as const }]
      : []),
    ...(band.length > 0
      ? [{ text: `${percent} interval`, colour: "#b8c4d0", shape: "line" as const }]
      : []),
    { text: "not beaten by less", colour: RED, shape: "ring" },
    ...sizeKeys(families),
  ];
  return plot({ title: "Loss against compute", x, y, legend }, (frame) => {
    const at = (flops: number, loss: number) => [frame.x(flops), frame.y(loss)] as const;
    const upper = band.map(({ flops, high }) => at(flops, high));
    const lower = band.map(({ flops, low }) => at(flops, low));
    return [
      ...(band.length > 0
        ? [area([...upper, ...lower.reverse()], { fill: "#b8c4d0", "fill-opacity": 0.5 })]
        : []),
      line(budgets.map((flops, i) => at(flops, curve[i] as number)), {
        stroke: INK,
        "stroke-width": 2,
        "stroke-dasharray": "6 5",
      }),
      ...families.flatMap(({ colour, points }) => [
        line(points.map((p) => at(p.flops, p.loss)), { stroke: colour, "stroke-width": 1.2 }),
        ...points.map((p) => dot(at(p.flops, p.loss), { colour, title: titleOf(p) })),
      ]),
      ...frontier.map((p) => dot(at(p.flops, p.loss), { colour: RED, ring: true, size: 7 })),
    ];
  });
}

function titleOf(p: Fitted): string {
  return `${p.name}: N ${short(p.params)}, D ${short(p.tokens)}, loss ${p.loss.toFixed(4)}`;
}

function isoflopPicture(report: ScalingReport): string {
  const { isoflop, points } = report;
  if ("skipped" in isoflop) throw new TypeError("Cannot draw isoFLOP curves: need some: none");
  const tints = colours(isoflop.budgets.length);
  const shown = isoflop.budgets.map((budget, i) => ({
    budget,
    colour: tints[i] as string,
    own: points.filter((p) => Math.abs(Math.log(p.flops / budget.flops)) < Math.log(1.2)),
  }));
  const all = shown.flatMap(({ own }) => own);
  const ends = isoflop.budgets.flatMap(({ minimum }) => {
    const { low, high } = minimum?.params ?? { low: null, high: null };
    return low === null || high === null ? [] : [low, high];
  });
  const [small, large] = [
    minOf(all.map((p) => p.params)),
    maxOf(all.map((p) => p.params)),
  ];
  const sizes = [
    ...all.map((p) => p.params),
    ...ends.filter((n) => n > small / 3 && n < 3 * large),
  ];
  const x = logAxis("Parameters N", sizes, power);
  const y = evenAxis("Loss, nats per token", all.map((p) => p.loss));
  const legend: LegendKey[] = [
    ...shown.map(({ budget, colour }) => ({
      text: `C = ${budget.flops.toExponential(2).replace("e+", "e")}`,
      colour,
      shape: "dot" as const,
    })),
    { text: "minimum, with interval", colour: RED, shape: "ring" },
  ];
  return plot(
    { title: "IsoFLOP curves", x, y, legend },
    (frame) =>
      shown.flatMap(({ budget, colour, own }) => {
        const [c0, c1, c2] = budget.coefficients;
        const inside = steps(budget.range[0], budget.range[1], 50);
        const loss = (n: number) => c0 + c1 * Math.log10(n) + c2 * Math.log10(n) ** 2;
        const { minimum } = budget;
        const places = inside.map((n) => [frame.x(n), frame.y(loss(n))] as const);
        return [
          line(places, { stroke: colour, "stroke-width": 1.5 }),
          ...own.map((p) =>
            dot([frame.x(p.params), frame.y(p.loss)], { colour, title: titleOf(p) })
          ),
          ...(minimum === undefined ? [] : bar(frame, {
            low: minimum.params.low,
            high: minimum.params.high,
            at: [minimum.params.value, minimum.loss.value],
          })),
        ];
      }),
  );
}

/** A ring with its interval as a horizontal bar. */
function bar(
  frame: PlotFrame,
  { low, high, at: [n, loss] }: {
    low: number | null;
    high: number | null;
    at: readonly [number, number];
  },
): string[] {
  const y = frame.y(loss);
  return [
    ...(low === null || high === null
      ? []
      : [line([[frame.x(low), y], [frame.x(high), y]], { stroke: RED, "stroke-width": 1.5 })]),
    dot([frame.x(n), y], { colour: RED, ring: true, size: 6 }),
  ];
}

/** Fallback when no budget has enough sizes: the law's loss along budgets, and its minima. */
function lawCurves(report: ScalingReport): string {
  const { range } = report;
  const law = lawOf(report);
  const budgets = steps(range.flops[0], range.flops[1], 5)
    .filter((flops) => isDetermined(report, flops));
  const tints = colours(budgets.length);
  const bests = budgets.map((flops) => optimumOf(law, flops));
  const sizes = steps(
    Math.min(range.params[0], minOf(bests.map((b) => b.params))) / 2,
    Math.max(range.params[1], maxOf(bests.map((b) => b.params))) * 2,
    80,
  );
  const loss = (flops: number) => (params: number) =>
    lossOf(law, { params, tokens: flops / FLOP_PER_PARAM_TOKEN / params });
  const curves = budgets.map((flops) => sizes.map(loss(flops)));
  const x = logAxis("Parameters N", sizes, power);
  // Without optima, use the range of the trials.
  const losses = bests.length > 0 ? bests.map((b) => b.loss) : range.loss;
  const [least, top] = [minOf(losses), maxOf(losses)];
  const y = evenAxis("Loss, nats per token", [least, top + 0.6 * (top - least)]);
  const legend: LegendKey[] = [
    ...budgets.map((flops, i) => ({
      text: `C = ${flops.toExponential(2).replace("e+", "e")}`,
      colour: tints[i] as string,
      shape: "line" as const,
    })),
    {
      text: budgets.length > 0 ? "minimum of the law" : "the law has no minimum",
      colour: RED,
      shape: "ring",
    },
  ];
  return plot(
    { title: "IsoFLOP curves of the fitted law", x, y, legend },
    (frame) =>
      curves.flatMap((curve, i) => {
        const best = bests[i] as typeof bests[number];
        return [
          line(sizes.map((n, k) => [frame.x(n), frame.y(curve[k] as number)] as const), {
            stroke: tints[i] as string,
            "stroke-width": 1.5,
          }),
          dot([frame.x(best.params), frame.y(best.loss)], { colour: RED, ring: true, size: 6 }),
        ];
      }),
  );
}

function residualPicture(report: ScalingReport): string {
  const { points } = report;
  const families = familiesOf(points);
  const x = logAxis("Training compute C, FLOP", points.map((p) => p.flops), power);
  const percents = points.flatMap((p) => [100 * p.residual, 100 * p.left_out])
    .filter(Number.isFinite);
  const y = evenAxis("Residual, 100 ln(loss / law's loss)", [0, ...percents]);
  const legend: LegendKey[] = [
    ...sizeKeys(families),
    { text: "by the law of the others", colour: "#7b8794", shape: "ring" },
  ];
  return plot({ title: "Residuals", x, y, legend }, (frame) => [
    line([[frame.x(x.low), frame.y(0)], [frame.x(x.high), frame.y(0)]], { stroke: INK }),
    ...families.flatMap(({ colour, points }) =>
      points.flatMap((p) => [
        dot([frame.x(p.flops), frame.y(100 * p.left_out)], { colour, ring: true }),
        dot([frame.x(p.flops), frame.y(100 * p.residual)], { colour, title: titleOf(p) }),
      ])
    ),
  ]);
}
