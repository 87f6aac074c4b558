/** The help text, made from the schema. Knows columns, not what a key means. */
import { type Key, keys } from "../config/keys.ts";

/** Columns of the text. */
const WIDTH = 100;

/** Flags beside the keys, and the keys that are asked for most under their short names. */
const FLAGS: readonly (readonly [string, string])[] = [
  ["--data FILE", "Text to train on, in UTF-8 (data.path)"],
  ["--out DIR", "Folder that the run writes to"],
  ["--steps N", "Optimizer steps until the run ends"],
  ["--workers N", "Worker processes"],
  ["--seed N", "Root of all random numbers of the run"],
  ["--device NAME", "auto, webgpu or reference"],
  ["--resume DIR", "Go on from the newest good checkpoint of this run"],
  ["--config FILE", "The config file, where it is not the first argument"],
  ["-h, --help", "This text"],
];

/** Usage, flags, and every key with its default, its meaning and what it takes. */
export function helpText(): string {
  return [
    "Usage: deno task train [config.ts | config.json] [--key=value | --key value]...",
    "",
    "Trains a model on a text. The config file says what differs from the defaults below; keys on",
    "the command line win over it. In a key, - and _ mean the same.",
    "",
    "Flags:",
    ...table(FLAGS),
    "",
    "Keys, with their defaults:",
    ...table(keys().map((key) => [`--${key.path}`, showDefault(key), describe(key)])),
    "",
  ].join("\n");
}

function showDefault(key: Key): string {
  return key.default === undefined ? "" : String(key.default);
}

function describe({ description, need }: Key): string {
  return `${description} (${need})`;
}

/** Rows as lines: columns as wide as their longest cell, the last one wrapped to the page. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).slice(0, -1).map((_, c) =>
    Math.max(...rows.map((row) => (row[c] ?? "").length))
  );
  const indent = 2 + widths.reduce((sum, width) => sum + width + 2, 0);
  return rows.flatMap((row) => {
    const head = widths.map((width, c) => (row[c] ?? "").padEnd(width) + "  ").join("");
    const [first = "", ...more] = wrap(row.at(-1) ?? "", WIDTH - indent);
    return [`  ${head}${first}`.trimEnd(), ...more.map((line) => " ".repeat(indent) + line)];
  });
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) {
      lines[lines.length - 1] = `${last} ${word}`;
    } else lines.push(word);
  }
  return lines;
}
