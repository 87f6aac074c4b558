/** The command `scaling`: from a sweep's trials to its laws, their pictures and a page. */
import { basename, join } from "node:path";
// @ts-types="./csv_parse.d.ts"
import { parse } from "@std/csv/parse";
import { refusing } from "../base/file_fault.ts";
import { Refusal } from "../base/refusal.ts";
import type { ExitName } from "../base/refusal.ts";
import { writeTextAtomic } from "../report/atomic.ts";
import { showNumber } from "../scaling/numbers.ts";
import { pageOf } from "../scaling/page.ts";
import { PICTURES, picturesOf } from "../scaling/pictures.ts";
import { readTable, readTrials, type Trials } from "../scaling/read.ts";
import { reportOf, type ScalingReport } from "../scaling/report.ts";
import { pointsCsv, reportJson } from "../scaling/texts.ts";
import type { Estimate } from "../scaling/types.ts";
import { runCommand } from "./command.ts";
import { flagsHelp } from "./flags.ts";
import { openStatus } from "./status.ts";
import { parseScaling, SCALING, type ScalingRequest } from "./scaling_request.ts";

/** What a sweep leaves of its trials. */
const TRIALS = "trials.jsonl";
/** What this command leaves. */
const OUTPUTS = [...PICTURES, "points.csv", "scaling.json", "scaling.html"] as const;

/** Runs `scaling` with command-line arguments. */
export function scalingCommand(args: readonly string[]): Promise<ExitName> {
  const request = parseScaling(args);
  if (request === "help") {
    console.log(flagsHelp(SCALING));
    return Promise.resolve("done");
  }
  keepApart(request);
  using status = openStatus();
  status.show("fitting");
  const path = request.csv ?? join(request.folder, TRIALS);
  const report = reportOf(trialsOf(request, path), {
    file: request.csv === undefined ? basename(Deno.realPathSync(request.folder)) : basename(path),
    count: request.count,
    loss: request.csv === undefined ? (request.loss === "val" ? "val_loss" : "loss") : "loss",
    bootstrap: request.bootstrap,
    ...(request.budgets !== undefined && { budgets: request.budgets }),
    tell: (what, done, total) => status.show(`fitting ${what}: draw`, { done, total, even: true }),
  });
  status.end();
  write(request, report);
  for (const text of linesOf(report, request.folder)) console.log(text);
  return Promise.resolve("done");
}

function trialsOf({ csv, loss }: ScalingRequest, path: string): Trials {
  const text = textOf(path);
  if (csv === undefined) return readTrials(text, { path, loss });
  let rows: string[][];
  try {
    rows = parse(text);
  } catch (error) {
    const [why] = String((error as Error).message).split("\n");
    throw new Refusal("data", `Cannot read ${path}: need a table with commas: ${why}`);
  }
  return readTable(rows, path);
}

function textOf(path: string): string {
  return refusing(
    { doing: "read", path, need: "a file of trials" },
    () => Deno.readTextFileSync(path),
  );
}

/** Refuses to fit a table that would be written over. */
function keepApart({ csv, folder }: ScalingRequest): void {
  if (csv === undefined) return;
  const real = (path: string) => {
    try {
      return Deno.realPathSync(path);
    } catch {
      return undefined; // It is not there: who reads it says so.
    }
  };
  const given = real(csv);
  const name = OUTPUTS.find((name) => given !== undefined && given === real(join(folder, name)));
  if (name === undefined) return;
  throw new Refusal("config", `Cannot write ${join(folder, name)}: it is what is fitted`);
}

function write({ folder }: ScalingRequest, report: ScalingReport): void {
  const pictures = picturesOf(report);
  const files: Record<typeof OUTPUTS[number], string> = {
    ...pictures,
    "points.csv": pointsCsv(report),
    "scaling.json": reportJson(report),
    "scaling.html": pageOf(report, pictures),
  };
  refusing({ doing: "write to", path: folder, exit: "config" }, () => {
    Deno.mkdirSync(folder, { recursive: true });
    for (const [name, text] of Object.entries(files)) writeTextAtomic(join(folder, name), text);
  });
}

function linesOf(report: ScalingReport, folder: string): string[] {
  const { chinchilla: { estimates: e, quality: q }, source, optimal } = report;
  const of = ({ value, low, high }: Estimate) =>
    showNumber(value) +
    (low === null || high === null ? "" : ` [${showNumber(low, 4)}, ${showNumber(high, 4)}]`);
  return [
    `${source.used} trials, N counts ${source.params}, ${source.loss}; ${source.failed} failed, ` +
    `${source.stopped} stopped early`,
    "L(N, D) = E + A / N^alpha + B / D^beta",
    ...(["E", "A", "B", "alpha", "beta", "a", "b"] as const).map((key) =>
      `  ${key.padEnd(5)}  ${of(e[key])}`
    ),
    `R^2 ${showNumber(q.r2)} in log loss, rms ${showNumber(q.rms, 4)}, left out ` +
    showNumber(q.leave_one_out_rms, 4),
    ...optimal.map((row) =>
      `  C ${showNumber(row.flops)}: N ${of(row.params)}, D ${of(row.tokens)}, loss ${
        of(row.loss)
      }` +
      (row.beyond > 1 ? " (beyond the trials)" : "")
    ),
    `Everything lies in ${folder}; the page is ${join(folder, "scaling.html")}`,
  ];
}

if (import.meta.main) await runCommand(() => scalingCommand(Deno.args));
