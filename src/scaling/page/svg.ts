/** SVG as text: elements, and plots with two axes. */

import { markupText } from "../../base/text/markup.ts";

/** Value of an attribute or a text. */
type Value = string | number;

/** An element; numbers are rounded to a hundredth of a pixel. */
export function element(
  name: string,
  attributes: Readonly<Record<string, Value>>,
  children: readonly string[] = [],
): string {
  const list = Object.entries(attributes).map(([key, value]) => ` ${key}="${attribute(value)}"`);
  return `<${name}${list.join("")}>${children.join("")}</${name}>`;
}

function attribute(value: Value): string {
  return typeof value === "number" ? String(Math.round(value * 100) / 100) : markupText(value);
}

/** An axis: label, range, ticks, and whether it is logarithmic. */
export interface PlotAxis {
  readonly label: string;
  readonly low: number;
  readonly high: number;
  readonly log: boolean;
  readonly ticks: readonly number[];
  readonly show: (value: number) => string;
}

/** A row of the legend. */
export interface LegendKey {
  readonly text: string;
  readonly colour: string;
  readonly shape: "dot" | "line" | "dash" | "ring";
}

/** Scales of a plot: values to pixels. */
export interface PlotFrame {
  readonly x: (value: number) => number;
  readonly y: (value: number) => number;
}

/** Size of a picture, and margins for labels and legend, in pixels. */
const WIDTH = 860;
const HEIGHT = 470;
const LEFT = 78;
const RIGHT = 230;
const TOP = 44;
const BOTTOM = 62;
/** Colour of text and axes. */
export const INK = "#1f2933";
/** Colour of grid lines. */
export const PALE = "#e4e7eb";

/** A plot: title, axes, legend, and the marks from `draw`. */
export function plot(
  { title, x, y, legend }: {
    title: string;
    x: PlotAxis;
    y: PlotAxis;
    legend: readonly LegendKey[];
  },
  draw: (frame: PlotFrame) => readonly string[],
): string {
  const frame: PlotFrame = {
    x: (value) => LEFT + (WIDTH - LEFT - RIGHT) * along(x, value),
    y: (value) => HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * along(y, value),
  };
  const area = {
    x: LEFT,
    y: TOP,
    width: WIDTH - LEFT - RIGHT,
    height: HEIGHT - TOP - BOTTOM,
  };
  const id = `clip-${title.toLowerCase().replace(/[^a-z]+/g, "-")}`;
  return element("svg", {
    xmlns: "http://www.w3.org/2000/svg",
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    role: "img",
    "aria-label": title,
    "font-family": "system-ui, sans-serif",
    "font-size": 13,
    fill: INK,
  }, [
    element("title", {}, [markupText(title)]),
    element("clipPath", { id }, [element("rect", area)]),
    element("rect", { x: 0, y: 0, width: WIDTH, height: HEIGHT, fill: "#ffffff" }),
    text(title, { x: LEFT, y: 26, "font-size": 15, "font-weight": 600 }),
    ...x.ticks.flatMap((tick) => [
      line([[frame.x(tick), TOP], [frame.x(tick), HEIGHT - BOTTOM]], { stroke: PALE }),
      text(x.show(tick), { x: frame.x(tick), y: HEIGHT - BOTTOM + 18, "text-anchor": "middle" }),
    ]),
    ...y.ticks.flatMap((tick) => [
      line([[LEFT, frame.y(tick)], [WIDTH - RIGHT, frame.y(tick)]], { stroke: PALE }),
      text(y.show(tick), { x: LEFT - 8, y: frame.y(tick) + 4, "text-anchor": "end" }),
    ]),
    element("g", { "clip-path": `url(#${id})`, class: "marks" }, [...draw(frame)]),
    element("rect", { ...area, fill: "none", stroke: "#9aa5b1" }),
    text(x.label, { x: area.x + area.width / 2, y: HEIGHT - 16, "text-anchor": "middle" }),
    text(y.label, {
      transform: `translate(20 ${TOP + area.height / 2}) rotate(-90)`,
      "text-anchor": "middle",
    }),
    ...legend.flatMap((key, i) => legendRow(key, TOP + 10 + 20 * i)),
  ]);
}

/** Position of a value on an axis: 0 at its low end, 1 at its high end. */
export function along({ low, high, log }: PlotAxis, value: number): number {
  return log ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
}

function legendRow({ text: words, colour, shape }: LegendKey, y: number): string[] {
  const x = WIDTH - RIGHT + 16;
  const mark = shape === "dot" || shape === "ring"
    ? dot([x + 9, y], { colour, ring: shape === "ring" })
    : line([[x, y], [x + 18, y]], {
      stroke: colour,
      "stroke-width": 2,
      ...(shape === "dash" && { "stroke-dasharray": "5 4" }),
    });
  return [mark, text(words, { x: x + 26, y: y + 4, "font-size": 12 })];
}

type Place = readonly [number, number];

/** A text element. */
export function text(words: string, attributes: Readonly<Record<string, Value>>): string {
  return element("text", attributes, [markupText(words)]);
}

/** A polyline through points in pixels. */
export function line(
  places: readonly Place[],
  attributes: Readonly<Record<string, Value>>,
): string {
  const points = places.map(([x, y]) => `${x.toFixed(2)},${y.toFixed(2)}`).join(" ");
  return element("polyline", { points, fill: "none", ...attributes });
}

/** A filled polygon. */
export function area(
  places: readonly Place[],
  attributes: Readonly<Record<string, Value>>,
): string {
  const points = places.map(([x, y]) => `${x.toFixed(2)},${y.toFixed(2)}`).join(" ");
  return element("polygon", { points, ...attributes });
}

/** A dot, filled or as a ring; `title` is its tooltip. */
export function dot(
  [cx, cy]: Place,
  { colour, ring = false, size = 4, title }: {
    colour: string;
    ring?: boolean;
    size?: number;
    title?: string;
  },
): string {
  return element("circle", {
    cx,
    cy,
    r: size,
    fill: ring ? "none" : colour,
    stroke: colour,
    "stroke-width": ring ? 1.5 : 0,
  }, title === undefined ? [] : [element("title", {}, [markupText(title)])]);
}
