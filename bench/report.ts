/** What a bench found: shown as aligned tables, and kept as a file that says where it was measured. */
import type { Machine } from "./machine.ts";
import { isCpuDevice, slugOf } from "./machine.ts";
import { alignTable } from "./table.ts";

/** Columns of a line of text. */
const WIDTH = 100;

/** A table and what to know about it. */
export interface Section {
  readonly title: string;
  /** Rows of cells; the first row is the head. */
  readonly table: readonly (readonly string[])[];
  readonly notes?: readonly string[];
}

/** The result of one bench. */
export interface Report {
  readonly what: string;
  /** The adapter, where the bench used one. */
  readonly adapter?: string;
  readonly sections: readonly Section[];
  /** A picture that lies beside the page. */
  readonly picture?: { readonly file: string; readonly title: string };
}

/** How many rows were measured. */
export function rowsIn({ sections }: Report): number {
  return sections.reduce((sum, { table }) => sum + Math.max(0, table.length - 1), 0);
}

/** The sections as text. */
export function showReport({ sections }: Report): string {
  return sections.map(({ title, table, notes = [] }) =>
    [title, "", ...alignTable(table), ...notes.flatMap(bullet)].join("\n")
  ).join("\n\n") + "\n";
}

/** Name of a report's file: `<what>_<hardware>_<yyyymm>.md`. */
export function fileName({ what, adapter }: Report, machine: Machine): string {
  const month = machine.date.slice(0, 7).replace("-", "");
  return `${what}_${slugOf(machine, adapter)}_${month}.md`;
}

/** A report as a Markdown page. */
export function pageOf(report: Report, machine: Machine, command: string): string {
  const facts = [
    ...report.adapter === undefined
      ? []
      : [[isCpuDevice(report.adapter) ? "Device" : "Adapter", report.adapter]],
    ...machine.driver === undefined ? [] : [["Driver", machine.driver]],
    ["CPU", `${machine.cpu}, ${machine.cores} cores`],
    ["Deno", machine.deno],
    ["Commit", machine.commit],
    ["Date", machine.date],
    ["Command", `\`${command}\``],
  ];
  const { picture } = report;
  const head = [
    `# Bench: ${report.what}`,
    "",
    ...facts.map(([k, v]) => `- ${k}: ${v}`),
    ...picture === undefined ? [] : ["", `![${picture.title}](${picture.file})`],
  ];
  const body = report.sections.flatMap(({ title, table, notes = [] }) => [
    "",
    `## ${title}`,
    "",
    "```text",
    ...alignTable(table),
    "```",
    ...notes.length === 0 ? [] : ["", ...notes.flatMap(bullet)],
  ]);
  return [...head, ...body].join("\n") + "\n";
}

/** A note as an item of a list, broken as the formatter of the repository would. */
function bullet(note: string): string[] {
  return wrapped(note, WIDTH - 2).map((line, i) => `${i === 0 ? "-" : " "} ${line}`);
}

/** A text in lines of at most `columns`; only a word that is longer has a line of its own. */
export function wrapped(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = "";
    }
    line += line === "" ? word : ` ${word}`;
  }
  return [...lines, line];
}
