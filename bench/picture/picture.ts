/**
 * The comparison with peers as a picture: for each row, bars of each peer's time by ours, by factors
 * from a line at 1. Pure: it measures nothing, and knows no peer but by its name.
 */
import { markupText } from "../../src/base/text/markup.ts";
import {
  along,
  element,
  INK,
  line,
  PALE,
  type PlotAxis,
  text,
} from "../../src/scaling/page/svg.ts";
import { logAxis } from "../../src/scaling/page/axes.ts";
import type { Beside, BesideRow } from "../beside/result.ts";
import { wrapped } from "../report.ts";
import { fixed } from "../table.ts";

/** What the picture says. */
export const TITLE = "The same work by Shoal and by others";
const SUBTITLE = "Each peer's time by Shoal's: a bar to the right is a peer that takes longer";

/** Widths in pixels: the picture, its edge, the names of rows, and what a number needs. */
const WIDTH = 760;
const EDGE = 24;
const NAMES = 190;
const NUMBER = 62;
/** Where rows begin: at 1, with room for numbers on both sides. */
const LEFT = EDGE + NAMES + NUMBER;
const RIGHT = WIDTH - EDGE - NUMBER;
/** Heights in pixels: a bar, a bar with its gap, what is between rows, a line of words. */
const BAR = 12;
const PITCH = 18;
const GAP = 18;
const LINE = 19;
/** Sizes of letters. */
const NAME = 15;
const SMALL = 12;
/** Width of a letter by its size, as a wide face has it. */
const LETTER = 0.6;

const GREY = "#52606d";
/** Colours of peers in their order: two of WebGPU, then PyTorch in pairs, as it is and compiled. */
const COLOURS = [
  "#2f7f86",
  "#e0a84a",
  "#6a5acd",
  "#b3a9e6",
  "#c05a5a",
  "#e5a9a4",
  "#6b7f3a",
  "#b9c58c",
];

/**
 * The picture as SVG.
 *
 * @param rows Ratios of each row; a peer without one gets a dash. All rows have the same peers.
 * @param facts Lines of small type below: what was measured, where and how.
 */
export function peersPicture(rows: readonly BesideRow[], facts: readonly string[]): string {
  const peers = rows[0]?.peers.map(({ id }) => id) ?? [];
  const ratios = rows.flatMap(({ peers }) => peers.flatMap(({ ratio }) => ratio ?? []));
  const axis = logAxis("time, Shoal's = 1 (log scale)", [0.5, 2, ...ratios], tick);
  const legend = legendAt(88, peers);
  const top = legend.bottom + 40;
  let y = top;
  const drawn = rows.map((row) => {
    const part = rowAt(y, row, axis);
    y = part.bottom + GAP;
    return part.marks;
  });
  const bottom = y - GAP / 2;
  const small = facts.flatMap((fact) => wrapped(fact, letters(WIDTH - 2 * EDGE, SMALL)));
  const height = bottom + 66 + 17 * small.length;
  return element("svg", {
    xmlns: "http://www.w3.org/2000/svg",
    viewBox: `0 0 ${WIDTH} ${height}`,
    width: WIDTH,
    height,
    role: "img",
    "aria-label": TITLE,
    "font-family": "system-ui, sans-serif",
    "font-size": NAME,
    fill: INK,
  }, [
    element("title", {}, [markupText(TITLE)]),
    element("rect", { x: 0, y: 0, width: WIDTH, height, fill: "#ffffff" }),
    text(TITLE, { x: EDGE, y: 36, "font-size": 20, "font-weight": 600 }),
    text(SUBTITLE, { x: EDGE, y: 60, fill: GREY }),
    ...legend.marks,
    ...gridOf(axis, { top, bottom }),
    ...drawn.flat(),
    unityOf(axis, { top, bottom }),
    ...small.map((words, i) =>
      text(words, { x: EDGE, y: bottom + 70 + 17 * i, "font-size": SMALL, fill: GREY })
    ),
  ]) + "\n";
}

/** Marks, and where what follows may begin. */
interface Part {
  readonly marks: readonly string[];
  readonly bottom: number;
}

/** A colour and a name for each peer, in as many lines as they need. */
function legendAt(top: number, peers: readonly string[]): Part {
  let [x, y] = [EDGE, top];
  const marks = peers.flatMap((id, k) => {
    const width = 20 + LETTER * NAME * id.length;
    if (x > EDGE && x + width > WIDTH - EDGE) [x, y] = [EDGE, y + 24];
    const at = x;
    x += width + 14;
    return [
      element("rect", { x: at, y: y - 11, width: 12, height: 12, rx: 2, fill: colourOf(k) }),
      text(id, { x: at + 20, y }),
    ];
  });
  return { marks, bottom: y };
}

/** Lines at the ticks with what they stand for, and which way is which. */
function gridOf(axis: PlotAxis, { top, bottom }: { top: number; bottom: number }): string[] {
  const x = place(axis);
  const one = x(1);
  const side = { y: top - 12, "font-size": 13, fill: GREY };
  return [
    ...axis.ticks.flatMap((tick) => [
      line([[x(tick), top], [x(tick), bottom]], { stroke: PALE }),
      text(axis.show(tick), {
        x: x(tick),
        y: bottom + 18,
        "text-anchor": "middle",
        "font-size": 13,
        fill: tick === 1 ? INK : GREY,
      }),
    ]),
    text("← peer faster", { ...side, x: one - 34, "text-anchor": "end" }),
    text("Shoal", { ...side, x: one, fill: INK, "text-anchor": "middle", "font-weight": 600 }),
    text("peer slower →", { ...side, x: one + 34 }),
    text(axis.label, {
      x: (LEFT + RIGHT) / 2,
      y: bottom + 40,
      "text-anchor": "middle",
      "font-size": 13,
      fill: GREY,
    }),
  ];
}

/** The line at 1, over all bars. */
function unityOf(axis: PlotAxis, { top, bottom }: { top: number; bottom: number }): string {
  const x = place(axis)(1);
  return line([[x, top - 6], [x, bottom]], { stroke: INK, "stroke-width": 1.5, class: "unity" });
}

/** A row's name in the middle beside its bars. */
function rowAt(top: number, { row, peers }: BesideRow, axis: PlotAxis): Part {
  const lines = wrapped(row, letters(NAMES, NAME));
  const height = Math.max(PITCH * peers.length, LINE * lines.length);
  const middle = (part: number) => top + (height - part) / 2;
  const names = lines.map((words, i) =>
    text(words, { x: EDGE, y: middle(LINE * lines.length) + LINE * i + 14.5 })
  );
  const first = middle(PITCH * peers.length);
  const bars = peers.flatMap((peer, k) =>
    barAt(first + PITCH * k, peer, { axis, colour: colourOf(k) })
  );
  return { marks: [...names, ...bars], bottom: top + height };
}

/** A bar from the line at 1, its number at the end; a dash where there is none. */
function barAt(
  top: number,
  { ratio }: Beside,
  { axis, colour }: { axis: PlotAxis; colour: string },
): string[] {
  const [from, to] = [place(axis)(1), place(axis)(ratio ?? 1)];
  const left = to < from;
  const number = text(ratio === undefined ? "–" : `${fixed(ratio)}×`, {
    x: left ? to - 6 : to + 6,
    y: top + 14,
    "font-size": 14,
    "text-anchor": left ? "end" : "start",
    ...ratio === undefined && { fill: GREY },
    // Keeps lines of the grid out of the figures.
    stroke: "#ffffff",
    "stroke-width": 3,
    "paint-order": "stroke",
  });
  if (ratio === undefined) return [number];
  const bar = {
    x: Math.min(from, to),
    y: top + (PITCH - BAR) / 2,
    width: Math.abs(to - from),
    height: BAR,
  };
  return [element("rect", { class: "bar", ...bar, fill: colour }), number];
}

function place(axis: PlotAxis): (value: number) => number {
  return (value) => LEFT + (RIGHT - LEFT) * along(axis, value);
}

/** Letters of a size that fit a width. */
function letters(width: number, size: number): number {
  return Math.floor(width / (LETTER * size));
}

function colourOf(k: number): string {
  return COLOURS[k % COLOURS.length] as string;
}

/** `0.05`, `1`, `20`. */
function tick(value: number): string {
  return String(Number(value.toPrecision(1)));
}
